// SPDX-License-Identifier: Apache-2.0
#include "tools/build/run_step.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "layerdb/base/log.h"
#include "layerdb/base/sys.h"
#include "layerdb/threads/worker.h"
#include "layerdb/transfer/commit.h"
#include "tools/build/step_key.h"
#include "tools/run/container_mount.h"

namespace veneer {

namespace {

constexpr std::string_view kHostName = "buildkitsandbox";  // BuildKit's, which scripts know
constexpr size_t kOutputBytes = size_t{64} << 10;

// Takes what a command writes, while it runs.
class OutputReader {
 public:
  static Result<std::unique_ptr<OutputReader>> Start(BuildProgress& progress, size_t step) {
    std::unique_ptr<OutputReader> reader(new OutputReader(progress, step));
    for (size_t i = 0; i < reader->read_.size(); ++i) {
      std::array<int, 2> ends;
      if (::pipe2(ends.data(), O_CLOEXEC) < 0) return MakeError(Errno{errno}, "make a pipe");
      reader->read_[i] = Fd(ends[0]);
      reader->write_[i] = Fd(ends[1]);
    }
    reader->thread_ = std::make_unique<Worker>([at = reader.get()] { return at->Read(); });
    return reader;
  }
  ~OutputReader() { Finish(); }

  int output() const { return write_[0].get(); }
  int errors() const { return write_[1].get(); }
  // Waits for the rest. REQUIRES: the session has ended, so that nobody else can write.
  void Finish() {
    for (Fd& end : write_) end.Reset();
    thread_.reset();
  }

 private:
  OutputReader(BuildProgress& progress, size_t step) : progress_(progress), step_(step) {}

  Result<void> Read() {
    std::array<struct pollfd, 2> sources = {
        {{read_[0].get(), POLLIN, 0}, {read_[1].get(), POLLIN, 0}}};
    std::string bytes(kOutputBytes, '\0');
    while (sources[0].fd >= 0 || sources[1].fd >= 0) {
      if (::poll(sources.data(), sources.size(), -1) < 0 && errno != EINTR) break;
      for (size_t i = 0; i < sources.size(); ++i) {
        if (sources[i].fd < 0 || sources[i].revents == 0) continue;
        const ssize_t n = ::read(sources[i].fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
          sources[i].fd = -1;
          continue;
        }
        progress_.Output(step_, std::string_view(bytes).substr(0, static_cast<size_t>(n)), i == 1);
      }
    }
    return {};
  }

  BuildProgress& progress_;
  const size_t step_;
  std::array<Fd, 2> read_;
  std::array<Fd, 2> write_;
  std::unique_ptr<Worker> thread_;
};

std::string CommandText(const std::vector<std::string>& argv) {
  std::string text;
  for (const std::string& word : argv) text += (text.empty() ? "" : " ") + word;
  return text;
}

// A heredoc and nothing else, as in RUN <<EOF.
bool IsHeredocAlone(const Instruction& instruction) {
  return instruction.heredocs.size() == 1 && instruction.arguments.starts_with("<<") &&
         instruction.arguments.find_first_of(" \t") == std::string::npos;
}

}  // namespace

RunWords WordsOfRun(const Instruction& instruction, const std::vector<std::string>& shell) {
  if (instruction.list) return {*instruction.list, {}};
  RunWords words{shell, {}};
  if (!IsHeredocAlone(instruction)) {
    std::string text = instruction.arguments;
    for (const Heredoc& each : instruction.heredocs) text += "\n" + each.content + each.name;
    words.argv.push_back(std::move(text));
    return words;
  }
  const Heredoc& script = instruction.heredocs.front();
  if (!script.content.starts_with("#!")) {
    words.argv.push_back(script.content);
    return words;
  }
  const std::string path = "/dev/pipes/" + script.name;
  return {{path}, {SessionFile{path, script.content, 0755}}};
}

RunStep::RunStep(const StepBase& base, RunStepCommand command, FilesFinder find)
    : base_(base),
      command_(std::move(command)),
      mounts_(base, std::move(find), command_.working_dir) {}

Result<Digest> RunStep::Key(StoreWriter& /*writer*/) {
  const BuildSettings& settings = base_.environment.settings;
  StepKey key("run/1", base_.image.chain_id);
  key.Add(base_.environment.platform.ToString());
  key.Add(command_.argv);
  key.Add(command_.environment);
  key.Add(command_.user);
  key.Add(command_.working_dir);
  key.Add(uint64_t{command_.files.size()});
  for (const SessionFile& file : command_.files) key.Add(file.content);
  key.Add(uint64_t{command_.options.insecure});
  key.Add(static_cast<uint64_t>(command_.options.network));
  key.Add(static_cast<uint64_t>(settings.network));
  key.Add(uint64_t{settings.extra_hosts.size()});
  for (const auto& [name, address] : settings.extra_hosts) key.Add(name + " " + address);
  if (settings.epoch) key.Add(std::to_string(*settings.epoch));
  VENEER_TRY_VOID(mounts_.Prepare(command_.options.mounts, &key));
  return key.Finish();
}

Result<SessionSpec> RunStep::SpecOf(const ContainerRecord& container, StoreWriter& writer) {
  const BuildEnvironment& environment = base_.environment;
  const BuildSettings& settings = environment.settings;
  SessionSpec spec;
  VENEER_TRY(spec.daemon, DaemonSpecOf(environment.store, container));
  spec.stub_record = StubRecordOf(environment.store, container);
  const bool cut = command_.options.network == RunOptions::Network::kNone ||
                   (command_.options.network == RunOptions::Network::kDefault &&
                    settings.network == Network::kNone);
  spec.network = cut ? Network::kNone : Network::kHost;
  spec.confinement = Confinement{command_.options.insecure};
  spec.hostname = kHostName;
  spec.extra_hosts = settings.extra_hosts;
  spec.shm_size = settings.shm_size;
  spec.files = command_.files;
  ProcessSpec& process = spec.process;
  process.argv = command_.argv;
  process.environment = command_.proxies;
  process.environment.insert(process.environment.end(), command_.environment.begin(),
                             command_.environment.end());
  process.user = command_.user;
  process.working_dir = command_.working_dir;
  process.make_working_dir = !command_.working_dir.empty();
  process.ulimits = settings.ulimits;
  VENEER_TRY_VOID(mounts_.AddTo(writer, &spec));
  return spec;
}

Result<void> RunStep::RunCommandIn(const ContainerRecord& container, StoreWriter& writer) {
  VENEER_TRY(SessionSpec spec, SpecOf(container, writer));
  VENEER_TRY(const std::unique_ptr<OutputReader> output,
             OutputReader::Start(base_.environment.progress, base_.progress));
  VENEER_TRY_CTX(const Fd nothing, sys::OpenFollowing("/dev/null", O_RDONLY), "/dev/null");
  spec.process.stdin_fd = nothing.get();
  spec.process.stdout_fd = output->output();
  spec.process.stderr_fd = output->errors();
  const Result<SessionEnd> end = base_.environment.sessions.Run(spec, base_.cancel);
  output->Finish();
  if (!end) return tl::unexpected(end.error());
  if (end->error) return tl::unexpected(*end->error);
  if (end->exit_code != 0) return Keep(end->exit_code);
  return {};
}

// The container stays for whoever wants to see what was wrong.
tl::unexpected<Error> RunStep::Keep(int exit_code) {
  const std::string text =
      "process \"" + CommandText(command_.argv) +
      "\" did not complete successfully: exit code: " + std::to_string(exit_code);
  ContainerRecord record = container_->record;
  record.remove_on_exit = false;
  const Result<void> kept = base_.environment.store.containers().Update(record);
  if (!kept) {
    LogWarning("the container of the step is not kept: " + kept.error().message());
    return MakeError(text);
  }
  container_.reset();
  return tl::unexpected(Error(text).Because(Reason::kStepFailed, record.name));
}

Result<MadeLayer> RunStep::Make(StoreWriter& writer) {
  const BuildEnvironment& environment = base_.environment;
  Store& store = environment.store;
  ContainerSpec wanted{{}, base_.image.id, base_.image.id.hex().substr(0, 12), true, {}};
  wanted.diff_ids = LayersWithFiles(base_.image);
  VENEER_TRY(container_, environment.new_container(std::move(wanted)));
  const ContainerRecord container = container_->record;
  environment.progress.RunningIn(base_.progress, container.name);
  VENEER_TRY_VOID(RunCommandIn(container, writer));
  VENEER_TRY(lock_, store.containers().Lock(container.name));
  RemoveStaleStubs(store, container, MountStatus());
  CommitOptions options;
  options.move = true;
  options.cancel = base_.cancel;
  options.source_date_epoch = environment.settings.epoch;
  VENEER_TRY(const CommittedLayer layer, CommitContainer(store, writer, container, options));
  spent_ = true;
  return MadeLayer{{layer.diff_id, layer.content_bytes, StepTime(environment.settings)},
                   container.name};
}

// Whatever became of the step, nobody needs the container any more; one that was kept is not here.
void RunStep::End() {
  if (!container_) return;
  Containers& containers = base_.environment.store.containers();
  const std::string& name = container_->record.name;
  Result<void> removed;
  if (!lock_) {
    Result<ContainerLock> lock = containers.Lock(name);
    if (lock) lock_.emplace(*std::move(lock));
  }
  // After a commit the catalog does not know it any more.
  if (containers.Get(name)) {
    removed = containers.Remove(name);
  } else if (spent_) {
    removed = containers.RemoveFiles(name);
  }
  if (!removed) LogWarning("container " + name + " is left: " + removed.error().message());
  lock_.reset();
  container_.reset();
}

}  // namespace veneer
