// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstdlib>

#include "tools/cli/commands.h"
#include "tools/cli/missing_image.h"
#include "tools/oci/config.h"
#include "tools/run/container_mount.h"
#include "tools/run/new_container.h"
#include "tools/run/session.h"
#include "tools/run/user_namespace.h"

namespace veneer {

namespace {

struct ChrootArguments {
  std::string target;
  std::string name;
  std::vector<std::string> binds;
  std::vector<std::string> environment;
  std::optional<std::string> user;
  std::optional<std::string> working_dir;
  std::optional<std::string> entrypoint;
  std::string network = "host";
  bool read_only = false;
  bool remove = false;
  bool has_no_effect = false;
  MissingImageOptions missing;
};

// How the network is reached is the host's business, and a package manager inside needs to know it.
constexpr const char* kProxyVariables[] = {"http_proxy", "https_proxy", "ftp_proxy", "no_proxy",
                                           "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY"};

// -e NAME=VALUE, or -e NAME for the caller's value.
Result<void> AddVariables(const std::vector<std::string>& given,
                          std::vector<std::string>* environment) {
  for (const std::string& text : given) {
    const size_t equal = text.find('=');
    if (text.empty() || equal == 0) return MakeError("-e " + text + ": no name", ExitCode::kUsage);
    if (equal != std::string::npos) {
      environment->push_back(text);
    } else if (const char* value = getenv(text.c_str()); value != nullptr) {
      environment->push_back(text + "=" + value);
    }
  }
  return {};
}

std::string AbsoluteIn(const std::string& base, const std::string& path) {
  if (path.starts_with('/')) return path;
  return (base.empty() ? "" : base) + "/" + path;
}

// What is run, as `docker run` has it for an image, whose entrypoint gets the words given; and as
// `docker exec` for a container that is there, where they are the command. `--entrypoint` takes the
// place of both that and the image's command.
std::vector<std::string> ComposeCommand(const ChrootArguments& arguments, bool image,
                                        const std::vector<std::string>& words,
                                        const ImageConfig& config) {
  std::vector<std::string> argv;
  if (arguments.entrypoint) {
    if (!arguments.entrypoint->empty()) argv.push_back(*arguments.entrypoint);
  } else if (image || words.empty()) {
    argv = config.entrypoint;
  }
  const bool of_image = words.empty() && !arguments.entrypoint;
  const std::vector<std::string>& rest = of_image ? config.cmd : words;
  argv.insert(argv.end(), rest.begin(), rest.end());
  return argv;
}

Result<ProcessSpec> ComposeProcess(const ChrootArguments& arguments, std::vector<std::string> argv,
                                   const ImageConfig& config) {
  ProcessSpec process;
  process.argv = std::move(argv);
  for (const char* name : kProxyVariables) {
    if (const char* value = getenv(name); value != nullptr) {
      process.environment.push_back(std::string(name) + "=" + value);
    }
  }
  process.environment.insert(process.environment.end(), config.env.begin(), config.env.end());
  VENEER_TRY_VOID(AddVariables(arguments.environment, &process.environment));
  process.user = arguments.user.value_or(config.user);
  const std::string image_dir =
      config.working_dir.empty() ? "" : AbsoluteIn("", config.working_dir);
  process.working_dir =
      arguments.working_dir ? AbsoluteIn(image_dir, *arguments.working_dir) : image_dir;
  process.make_working_dir = !arguments.working_dir && !image_dir.empty();
  return process;
}

// All that can be wrong with the options is found here, before anything is made.
Result<SessionSpec> ComposeSession(const ChrootArguments& arguments,
                                   const std::vector<std::string>& words, const Store& store,
                                   const ContainerOrImage& found) {
  const Digest& image = found.container ? found.container->image_id : found.image->image.id;
  SessionSpec spec;
  for (const std::string& bind : arguments.binds) {
    Result<BindMount> parsed = ParseBind(bind);
    if (parsed && ::access(parsed->source.c_str(), F_OK) != 0) {
      parsed = MakeError(Errno{errno}, parsed->source);
    }
    if (!parsed) return tl::unexpected(std::move(parsed).error().Context("--bind"));
    spec.binds.push_back(*std::move(parsed));
  }
  spec.network = arguments.network == "none" ? Network::kNone : Network::kHost;
  VENEER_TRY(const std::string text, store.ReadBlob(image, JsonLimits{}.bytes));
  VENEER_TRY(const ImageConfig config, ParseImageConfig(text));
  VENEER_TRY(
      spec.process,
      ComposeProcess(arguments, ComposeCommand(arguments, found.image.has_value(), words, config),
                     config));
  spec.read_only = arguments.read_only;
  return spec;
}

// The container to enter: one that is there, a new one with the name given, or one that ends with
// this session, which owns it.
Result<OwnedContainer> ContainerFor(Store& store, const ChrootArguments& arguments,
                                    const ContainerOrImage& found) {
  if (found.container) return OwnedContainer{*found.container, {}};
  const FoundImage& image = *found.image;
  const bool throw_away = arguments.name.empty();
  const ContainerSpec spec{arguments.name, image.image.id, NameOfImage(image), throw_away, {}};
  if (throw_away) return NewOwnedContainer(store, spec);
  VENEER_TRY(ContainerRecord record, NewContainer(store, spec));
  return OwnedContainer{std::move(record), {}};
}

Result<void> EndSession(Store& store, const std::string& name) {
  VENEER_TRY(const ContainerLock lock, store.containers().Lock(name));
  return store.containers().SetMount(name, std::nullopt);
}

Result<SessionEnd> RunIn(Store& store, const ContainerRecord& container, SessionSpec spec) {
  VENEER_TRY(ContainerLock taken, store.containers().Lock(container.name));
  auto lock = std::make_shared<std::optional<ContainerLock>>(std::move(taken));
  VENEER_TRY(const ContainerRecord current, store.containers().Get(container.name));
  VENEER_TRY(const MountStatus status, StatusOf(store, current));
  if (status.state == MountState::kSession) {
    return MakeError("container " + container.name + " is in use by a session (veneerfs, pid " +
                         std::to_string(status.daemon ? status.daemon->pid : 0) +
                         "); to enter it several times, mount it first",
                     ExitCode::kInUse);
  }
  if (status.elsewhere) {
    return MakeError("container " + container.name + " is mounted at " + status.mount_point +
                         " in another mount namespace; enter it there",
                     ExitCode::kInUse);
  }
  RemoveStaleStubs(store, current, status);
  if (status.state == MountState::kMounted) {
    spec.directory = status.mount_point;
    // Another user is refused at once, with the same advice.
    if (spec.process.user.empty() && IsForItsUserAlone(status) && CheckGrantedIds()) {
      PrintError(
          "this mount is for its user alone: programs that become other users inside, as su and "
          "the "
          "downloads of apt do, cannot open its files then; `veneer umount` the container before "
          "chroot, or set user_allow_other in /etc/fuse.conf");
    }
    lock->reset();
    return RunSession(spec);
  }
  VENEER_TRY(spec.daemon, DaemonSpecOf(store, current));
  spec.on_daemon = [&store, &container, lock](const ProcessId& daemon) -> Result<void> {
    VENEER_TRY_VOID(store.containers().SetMount(container.name, ContainerMount{{}, daemon, false}));
    lock->reset();
    return {};
  };
  Result<SessionEnd> end = RunSession(spec);
  lock->reset();
  IgnoreError(EndSession(store, container.name),
              "a record of a dead daemon is not believed anyway");
  return end;
}

Result<int> Chroot(Context& context, const ChrootArguments& arguments) {
  NoteSingleId();
  VENEER_TRY_VOID(context.EnterUserNamespaceIfNeeded());
  VENEER_TRY(const std::unique_ptr<Store> store, OpenStoreToPull(context, arguments.missing));
  RemoveDeadContainers(*store);
  VENEER_TRY(const ContainerOrImage found,
             FindContainerOrPullImage(*store, arguments.target, arguments.missing));
  if (found.container && !arguments.name.empty()) {
    return MakeError("--name names a new container, but " + arguments.target + " is one already",
                     ExitCode::kUsage);
  }
  VENEER_TRY(SessionSpec spec, ComposeSession(arguments, context.program, *store, found));
  VENEER_TRY(const OwnedContainer owned, ContainerFor(*store, arguments, found));
  const ContainerRecord& container = owned.record;
  spec.stub_record = StubRecordOf(*store, container);
  const Result<SessionEnd> end = RunIn(*store, container, std::move(spec));
  // A new container in which nothing has run would only be in the way of the next try.
  const bool started = end && end->started;
  if (container.remove_on_exit || (found.image && !started) ||
      (arguments.remove && end && !end->error)) {
    if (auto removed = RemoveContainer(*store, container.name);
        !removed && end && removed.error().exit() != ExitCode::kNotFound) {
      PrintError(removed.error());
    }
  }
  if (!end) return tl::unexpected(end.error());
  if (end->error) return tl::unexpected(*end->error);
  return end->exit_code;
}

}  // namespace

CommandSpec ChrootCommand() {
  auto arguments = std::make_shared<ChrootArguments>();
  CommandSpec command = {
      .name = "chroot",
      .summary = "Run a command in a container, or in a throw-away container of an image",
      .positionals = {{ContainerOrImageValue(), &arguments->target,
                       "A container, or the image of a throw-away one"}},
      .options =
          {
              {"-n,--name", &arguments->name, TextValue("NAME"),
               "Keep the image's new container under this name"},
              Option("-b,--bind", &arguments->binds, FileValue("SRC:DST[:ro]"),
                     "Show a file or directory of the host inside")
                  .AlsoNamed("-v,--volume"),
              {"-e,--env",
               &arguments->environment,
               {"NAME[=VALUE]", Offer::kVariables},
               "Set a variable; without a value, the caller's"},
              {"-u,--user", &arguments->user, WordsValue("USER[:GROUP]", {"root"}),
               "Names or numbers of the image; default the image's user"},
              {"-w,--workdir", &arguments->working_dir, DirectoryValue(),
               "The directory to start in"},
              {"--entrypoint", &arguments->entrypoint, TextValue("COMMAND"),
               "Instead of the image's entrypoint and command; empty: none"},
              {"--net", &arguments->network, OneOfValue("host|none", {"host", "none"}),
               "The host's network, or none but loopback"},
              {"-r,--read-only", &arguments->read_only, "Nothing in the container can be changed"},
              {"--rm", &arguments->remove, "Remove the container at the end"},
              // A terminal is used when there is one.
              Option("-i,--interactive", &arguments->has_no_effect, "").Hidden(),
              Option("-t,--tty", &arguments->has_no_effect, "").Hidden(),
          },
      .run = [arguments](Context& context) { return Chroot(context, *arguments); },
      .known_as = {"run", "exec", "shell"},
      .footer =
          "The command and its words come after the container, best after --; an image's "
          "entrypoint gets them.\n"
          "Without them the image's command is run, else the user's shell.",
      .takes_program = true,
      .own_failure = 125,  // as docker run and env(1) have it
  };
  AddMissingImageOptions(&command, &arguments->missing);
  return command;
}

}  // namespace veneer
