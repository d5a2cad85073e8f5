# SPDX-License-Identifier: Apache-2.0
"""`veneer login` and `logout`: passwords and tokens, the files and helpers that keep them, and the host that gets them."""

import base64
import json
import os
import pty
import re
import signal
import stat
import termios

from support import network, proc, sanitizer
from support.fake_registry import FakeRegistry
from support.files import read
from support.registry_case import USERS, PullCase, RegistryCase, published, sample

PASSWORD = USERS["alice"]


class LoginCase(RegistryCase):
    def setUp(self):
        super().setUp()
        self.image = sample(1)

    def log_in(self, host, user="alice", password=PASSWORD, *options, code=0, err=None):
        """`login` with the password on standard input; what it did."""
        done = self.run_veneer("login", "-u", user, "--password-stdin", *options, host, input=password + "\n")
        self.assertEqual(done.code, code, done)
        self.assert_said(err or "veneer: WARNING! Your password will be stored unencrypted in /[^\n]*\n|", done)
        self.assertNotIn(password, done.out + done.err)
        if code == 0:
            self.assertEqual(done.out, "Login Succeeded\n")
        return done

    def files_with(self, *texts):
        """The files below the directory of the case that hold one of these, but for those of the registries."""
        found = []
        for folder, _, names in os.walk(self.dir):
            if "registry" in os.path.relpath(folder, self.dir):
                continue
            for name in names:
                data = read(os.path.join(folder, name)) if stat.S_ISREG(os.lstat(os.path.join(folder, name)).st_mode) else b""
                if any(text.encode() in data for text in texts):
                    found.append(os.path.join(folder, name))
        return found

    def pulls(self, registry, works, repository="app"):
        """Whether the image can be pulled."""
        name = f"{registry.host}/{repository}:1"
        if works:
            self.veneer("pull", name)
            self.veneer("rmi", name)
            self.veneer("prune")
        else:
            done = self.run_veneer("pull", "--retry", "0", name)
            self.assertEqual(done.code, 1, done)
            self.assertRegex(done.err, r"(?i)\Aveneer: [^\n]*(unauthorized|authentication|login|denied|credentials)[^\n]*\n\Z")


class Basic(LoginCase):
    def setUp(self):
        super().setUp()
        self.guarded = self.registry(users=USERS)
        published(self.guarded, self.image, "app", "1")

    def test_pulls_and_pushes_are_made_as_the_user_until_logout(self):
        self.pulls(self.guarded, False)
        self.log_in(self.guarded.host)
        self.pulls(self.guarded, True)
        self.assertEqual(self.veneer("logout", self.guarded.host), f"Removing login credentials for {self.guarded.host}\n")
        self.pulls(self.guarded, False)

    def test_a_user_and_a_password_of_all_letters(self):
        self.log_in(self.guarded.host, "bob", USERS["bob"])
        self.pulls(self.guarded, True)

    def test_a_wrong_password_is_refused_and_kept_nowhere(self):
        self.log_in(self.guarded.host, password="not the secret", code=1, err="veneer: [^\n]*\n")
        self.assertEqual(self.files_with("not the secret", base64.b64encode(b"alice:not the secret").decode()), [])
        self.log_in(self.guarded.host)
        self.log_in(self.guarded.host, password="not the secret", code=1, err="veneer: [^\n]*\n")
        self.pulls(self.guarded, True)

    def test_the_file_is_for_its_user_alone(self):
        os.umask(0)
        self.log_in(self.guarded.host)
        files = self.files_with(PASSWORD, base64.b64encode(f"alice:{PASSWORD}".encode()).decode())
        self.assertEqual(len(files), 1, files)
        self.assertEqual(stat.S_IMODE(os.lstat(files[0]).st_mode), 0o600)
        self.veneer("logout", self.guarded.host)
        self.assertEqual(self.files_with(base64.b64encode(f"alice:{PASSWORD}".encode()).decode()), [])

    def test_other_entries_and_fields_of_the_file_stay(self):
        os.makedirs(self.path("home/.docker"))
        before = {"auths": {"other.example": {"auth": "eDp5"}}, "psFormat": "x", "HttpHeaders": {"A": "b"}}
        path = self.write("home/.docker/config.json", json.dumps(before))
        os.chmod(path, 0o644)
        self.environment["DOCKER_CONFIG"] = os.path.dirname(path)
        self.log_in(self.guarded.host)
        self.veneer("logout", self.guarded.host)
        self.assertEqual(json.loads(read(path)), before)

    def test_a_symlink_stays_one(self):
        os.makedirs(self.path("home/.docker"))
        self.write("real.json", "{}")
        os.symlink(self.path("real.json"), self.path("home/.docker/config.json"))
        self.environment["DOCKER_CONFIG"] = self.path("home/.docker")
        self.log_in(self.guarded.host)
        self.pulls(self.guarded, True)
        self.assertTrue(os.path.islink(self.path("home/.docker/config.json")))

    def test_the_password_at_a_hidden_prompt(self):
        leader, follower = pty.openpty()
        child = self.start("login", "-u", "alice", self.guarded.host, stdin=follower, stdout=follower, stderr=follower)
        os.close(follower)
        shown = b""
        while b"assword" not in shown:
            shown += os.read(leader, 4096)
        os.write(leader, PASSWORD.encode() + b"\n")
        while True:
            try:
                data = os.read(leader, 4096)
            except OSError:
                break
            shown += data
        os.close(leader)
        self.assertEqual(child.wait(), 0, shown)
        self.assertIn(b"Login Succeeded", shown)
        self.assertNotIn(PASSWORD.encode(), shown)

    def test_a_signal_at_the_prompt_leaves_the_terminal_as_it_was(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
            leader, follower = pty.openpty()
            before = termios.tcgetattr(follower)
            child = self.start("login", "-u", "alice", self.guarded.host, stdin=follower, stdout=follower, stderr=follower)
            shown = b""
            while b"assword" not in shown:
                shown += os.read(leader, 4096)
            self.assertFalse(termios.tcgetattr(follower)[3] & termios.ECHO)
            child.send_signal(number)
            self.assertEqual(child.wait(), -number)
            self.assertEqual(termios.tcgetattr(follower), before)
            os.close(leader)
            os.close(follower)

    def test_who_is_logged_in(self):
        self.refused("login", "--get-login", self.guarded.host, code=3, say="not logged in")
        self.log_in(self.guarded.host)
        self.assertEqual(self.veneer("login", "--get-login", self.guarded.host), "alice\n")
        self.assertEqual(self.veneer("login", self.guarded.host),
                         "Authenticating with existing credentials...\nLogin Succeeded\n")

    def test_logout_of_all(self):
        self.log_in(self.guarded.host)
        self.assertEqual(self.veneer("logout", "--all"), "Removed login credentials for all registries\n")
        self.assertEqual(self.veneer("logout", self.guarded.host), f"Not logged in to {self.guarded.host}\n")
        self.refused("logout", "--all", self.guarded.host, code=2)

    def test_a_registry_that_gives_back_the_password(self):
        fake = self.started(FakeRegistry(challenge='Basic realm="x"'))
        fake.answer = lambda exchange: exchange.reply(
            401, json.dumps({"errors": [{"code": "UNAUTHORIZED", "message": f"not {PASSWORD}"}]}).encode(),
            headers=[("WWW-Authenticate", 'Basic realm="x"')])
        self.log_in(fake.host, code=1, err="veneer: [^\n]*\n")
        self.assertLess(len(fake.seen), 5)

    def test_hosts_that_are_none(self):
        for host in ("-", "a b", "host/path", "../etc"):
            self.refused("login", "-u", "alice", "--password-stdin", "--", host, code=2, input=PASSWORD)

    def test_without_a_terminal_and_without_the_option_it_says_what_to_do(self):
        self.refused("login", "-u", "alice", self.guarded.host, code=(1, 2), say="--password-stdin")
        self.refused("login", "-u", "alice", "-p", PASSWORD, self.guarded.host, code=2)
        self.refused("login", "--password-stdin", self.guarded.host, code=2, say="(-u|--username)", input=PASSWORD)

    def test_no_log_and_no_process_list_has_the_password(self):
        done = proc.run(["strace", "-f", "-e", "trace=execve", "-s", "4096", *self.command(
            "--debug", "login", "-u", "alice", "--password-stdin", self.guarded.host)],
                        env={**self.environment, "VENEER_LOG": "debug",
                             "ASAN_OPTIONS": sanitizer.options(sanitizer.NO_LEAKS)}, cwd=self.dir, input=PASSWORD + "\n")
        self.assertEqual(done.code, 0, done)
        for text in (PASSWORD, base64.b64encode(f"alice:{PASSWORD}".encode()).decode()):
            self.assertNotIn(text, done.out + done.err)
        done = self.run_veneer("--debug", "pull", f"{self.guarded.host}/app:1", environment={"VENEER_LOG": "debug"})
        self.assertEqual(done.code, 0, done)
        self.assertNotIn(base64.b64encode(f"alice:{PASSWORD}".encode()).decode(), done.out + done.err)

    def test_logout_of_a_host_that_is_not_known(self):
        done = self.run_veneer("logout", "nobody.example")
        self.assertEqual(done.code, 0, done)
        self.assertIn("nobody.example", done.out + done.err)

    def test_login_where_no_registry_is(self):
        self.log_in("127.0.0.1:1", code=1, err="veneer: [^\n]*127.0.0.1:1[^\n]*\n")
        self.assertEqual(self.files_with(base64.b64encode(f"alice:{PASSWORD}".encode()).decode()), [])


class Files(LoginCase):
    """Whose files are read, and in which order."""

    def setUp(self):
        super().setUp()
        self.guarded = self.registry(users=USERS)
        published(self.guarded, self.image, "team/app", "1")
        self.auth = base64.b64encode(f"alice:{PASSWORD}".encode()).decode()

    def test_each_place(self):
        places = (("home/.docker/config.json", {}), ("docker/config.json", {"DOCKER_CONFIG": self.path("docker")}),
                  ("run/containers/auth.json", {}), ("home/.config/containers/auth.json", {}),
                  ("mine.json", {"REGISTRY_AUTH_FILE": self.path("mine.json")}))
        for name, environment in places:
            with self.subTest(name=name):
                os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
                self.write(name, json.dumps({"auths": {self.guarded.host: {"auth": self.auth}}}))
                before = dict(self.environment)
                self.environment.update(environment)
                self.pulls(self.guarded, True, "team/app")
                os.unlink(self.path(name))
                self.environment = before
        self.pulls(self.guarded, False, "team/app")

    def test_the_most_specific_entry_counts(self):
        wrong = base64.b64encode(b"alice:wrong").decode()
        os.makedirs(self.path("run/containers"))
        for right in (self.guarded.host, f"{self.guarded.host}/team", f"{self.guarded.host}/team/app"):
            names = (self.guarded.host, f"{self.guarded.host}/team", f"{self.guarded.host}/team/app")
            entries = {name: {"auth": self.auth if name == right else wrong} for name in names[:names.index(right) + 1]}
            self.write("run/containers/auth.json", json.dumps({"auths": entries}))
            self.pulls(self.guarded, True, "team/app")

    def test_the_option_names_the_only_file(self):
        self.log_in(self.guarded.host, "alice", PASSWORD, "--authfile", self.path("own.json"))
        self.assertEqual(list(json.loads(read(self.path("own.json")))["auths"]), [self.guarded.host])
        self.pulls(self.guarded, False, "team/app")
        self.veneer("pull", "--authfile", self.path("own.json"), f"{self.guarded.host}/team/app:1")

    def test_a_file_that_is_none_is_named(self):
        os.makedirs(self.path("run/containers"))
        self.write("run/containers/auth.json", "{")
        done = self.run_veneer("pull", f"{self.guarded.host}/team/app:1")
        self.assertRegex(done.err, r"\Aveneer: [^\n]*auth\.json[^\n]*\n\Z")


class Helpers(LoginCase):
    """docker-credential-NAME, as Docker's and containers' files name them."""

    def setUp(self):
        super().setUp()
        self.guarded = self.registry(users=USERS)
        published(self.guarded, self.image, "app", "1")
        os.mkdir(self.path("bin"))
        self.environment["PATH"] = f"{self.path('bin')}:{self.environment['PATH']}"
        self.environment["DOCKER_CONFIG"] = self.path("home")

    def helper(self, name, body):
        """A helper that notes its calls in the file `calls`."""
        path = self.write(f"bin/docker-credential-{name}", f'#!/bin/sh\necho "$1" >>{self.path("calls")}\n{body}\n')
        os.chmod(path, 0o755)

    def test_a_helper_of_a_host_and_of_all(self):
        self.helper("test", f"read host\n[ \"$host\" = '{self.guarded.host}' ] || "
                            "{ echo 'credentials not found in native keychain'; exit 1; }\n"
                            f"printf '{{\"ServerURL\":\"%s\",\"Username\":\"alice\",\"Secret\":\"{PASSWORD}\"}}' \"$host\"")
        for setting in ({"credHelpers": {self.guarded.host: "test"}}, {"credsStore": "test"}):
            self.write("home/config.json", json.dumps(setting))
            self.pulls(self.guarded, True)
        self.assertEqual(set(read(self.path("calls")).split()), {b"get"})

    def test_login_and_logout_go_to_the_helper(self):
        self.helper("test", f'case "$1" in store) cat >{self.path("stored")};; '
                            f'erase) cat >/dev/null; rm -f {self.path("stored")};; '
                            f'get) cat >/dev/null; [ -e {self.path("stored")} ] && cat {self.path("stored")} || '
                            "{ echo 'credentials not found in native keychain'; exit 1; };; list) echo '{}';; esac")
        self.write("home/config.json", json.dumps({"credsStore": "test"}))
        self.log_in(self.guarded.host)
        self.assertEqual(json.loads(read(self.path("stored"))),
                         {"ServerURL": self.guarded.host, "Username": "alice", "Secret": PASSWORD})
        self.assertNotIn(b"auth\"", read(self.path("home/config.json")))
        self.pulls(self.guarded, True)
        self.veneer("logout", self.guarded.host)
        self.assertFalse(os.path.exists(self.path("stored")))

    def test_helpers_of_the_configuration(self):
        self.helper("test", f'case "$1" in store) cat >{self.path("stored")};; list) cat {self.path("list")};; '
                            f'erase) cat >/dev/null; rm -f {self.path("stored")};; '
                            f'get) cat >/dev/null; [ -e {self.path("stored")} ] && cat {self.path("stored")} || '
                            "{ echo 'credentials not found in native keychain'; exit 1; };; esac")
        self.write("list", json.dumps({self.guarded.host: "alice"}))
        self.environment["CONTAINERS_REGISTRIES_CONF"] = self.write("registries.conf",
                                                                    'credential-helpers = ["test", "containers-auth.json"]\n')
        self.log_in(self.guarded.host)
        self.assertEqual(json.loads(read(self.path("stored")))["Secret"], PASSWORD)
        self.pulls(self.guarded, True)
        self.veneer("logout", "--all")
        self.assertFalse(os.path.exists(self.path("stored")))
        self.helper("test", "echo 'the keyring is locked'; exit 1")
        self.log_in(self.guarded.host)  # the next of the list
        self.pulls(self.guarded, True)
        self.assertEqual(len(self.files_with(base64.b64encode(f"alice:{PASSWORD}".encode()).decode())), 1)

    def test_helpers_that_fail_or_are_not_there(self):
        self.write("home/config.json", json.dumps({"credsStore": "absent"}))
        done = self.run_veneer("pull", f"{self.guarded.host}/app:1")
        self.assertRegex(done.err, r"\Aveneer: [^\n]*docker-credential-absent[^\n]*\n\Z")
        self.helper("absent", "echo 'the keyring is locked'; exit 1")
        done = self.run_veneer("pull", f"{self.guarded.host}/app:1")
        self.assertRegex(done.err, r"\Aveneer: [^\n]*docker-credential-absent[^\n]*the keyring is locked[^\n]*\n\Z")


class Tokens(LoginCase):
    def setUp(self):
        super().setUp()
        self.tokens = self.token_service()
        self.guarded = self.registry(tokens=self.tokens)
        published(self.guarded, self.image, "app", "1")
        self.tokens.forget()

    def test_nobody_pulls_with_an_anonymous_token(self):
        self.pulls(self.guarded, True)
        self.assertFalse([one for one in self.tokens.seen if "Authorization" in one.headers])
        self.assertEqual({tuple(one.query["scope"]) for one in self.tokens.seen}, {("repository:app:pull",)})

    def test_one_token_does_for_all_of_a_pull(self):
        self.pulls(self.guarded, True)
        self.assertEqual(self.tokens.count(), 1)

    def test_login_by_basic_at_the_service(self):
        self.tokens.may = lambda user, action, repository: user == "alice"
        self.pulls(self.guarded, False)
        self.log_in(self.guarded.host, password="wrong", code=1, err="veneer: [^\n]*\n")
        self.log_in(self.guarded.host)
        self.pulls(self.guarded, True)
        self.veneer("logout", self.guarded.host)
        self.pulls(self.guarded, False)

    def test_a_refresh_token_in_the_place_of_a_password(self):
        self.tokens.may = lambda user, action, repository: user == "alice"
        self.tokens.refresh_tokens["refresh"] = "alice"
        self.environment["DOCKER_CONFIG"] = self.path("home")
        self.write("home/config.json", json.dumps({"auths": {self.guarded.host: {
            "auth": base64.b64encode(b"<token>:").decode(), "identitytoken": "refresh"}}}))
        self.pulls(self.guarded, True)
        self.assertEqual({one.method for one in self.tokens.seen}, {"POST"})
        self.assertEqual(self.tokens.seen[0].form["grant_type"], ["refresh_token"])

    def test_login_keeps_the_refresh_token_and_not_the_password(self):
        self.tokens.may = lambda user, action, repository: user == "alice"
        self.log_in(self.guarded.host)
        (token,) = self.tokens.refresh_tokens
        self.assertEqual(len(self.files_with(token)), 1)
        self.assertEqual(self.files_with(PASSWORD, base64.b64encode(f"alice:{PASSWORD}".encode()).decode()), [])
        self.pulls(self.guarded, True)
        self.tokens.refresh_tokens.clear()
        self.pulls(self.guarded, False)

    def test_a_token_whose_time_is_over_is_fetched_anew(self):
        self.tokens.expired = 1
        self.pulls(self.guarded, True)
        self.assertEqual(self.tokens.count(), 2)

    def test_the_service_fails(self):
        self.tokens.stop()
        done = self.run_veneer("pull", "--retry", "0", f"{self.guarded.host}/app:1")
        self.assertRegex(done.err, rf"\Aveneer: [^\n]*{re.escape(self.tokens.host)}[^\n]*\n\Z")


class Realms(PullCase):
    """A registry names its token service: it gets no password that it should not."""

    def refuses(self, challenge, say="."):
        fake = self.started(FakeRegistry(challenge=challenge))
        self.environment["DOCKER_CONFIG"] = self.path("home")
        self.write("home/config.json", json.dumps({"auths": {fake.host: {"auth": base64.b64encode(b"alice:secret").decode()}}}))
        self.not_pulled(f"{fake.host}/app:1", "--retry", "0", say=say)

    def test_without_tls_only_on_loopback_addresses(self):
        service = self.started(FakeRegistry(address=network.OUTSIDE))
        self.refuses(f'Bearer realm="{service.url}/token",service="x"', re.escape(network.OUTSIDE))
        self.assertEqual(service.seen, [])

    def test_no_other_schemes(self):
        for realm in ("file:///etc/passwd", "ftp://127.0.0.1/token", "", "/token", "javascript:1"):
            self.refuses(f'Bearer realm="{realm}",service="x"')

    def test_challenges_that_are_none(self):
        for challenge in ("Bearer", "Negotiate", 'Bearer realm="http://127.0.0.1:1/token', "Digest realm=\"x\", nonce=\"y\""):
            self.refuses(challenge)
