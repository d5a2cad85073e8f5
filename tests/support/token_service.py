# SPDX-License-Identifier: Apache-2.0
"""A token service: it gives the tokens that a registry asks for, to users and to nobody.

It speaks what docker-registry's documents call "Token Authentication": GET with `service` and `scope` and a password or none,
and POST with a password or a refresh token. A token is signed with a key that the registry trusts."""

import base64
import json
import secrets
import time
import urllib.parse

from support import proc, web
from support.files import digest, read, write
from support.registry import basic


class TokenService(web.Server):
    """Tokens for one registry. `users`: names and passwords. What is allowed is `may` of a user (None: nobody) and an action on
    a repository; unless a case sets another function, users may do all and nobody may pull."""

    service, issuer = "registry of the tests", "token service of the tests"

    def __init__(self, directory, pair, users=None, **more):
        super().__init__(**more)
        self._dir, self.pair, self.users = directory, pair, users or {}
        self.lifetime = 300  # seconds, as the answers say it
        self.expired = 0  # of so many tokens the time is over before they are given
        self.with_get = True  # GET gives refresh tokens to those who ask for them (offline_token=true)
        self.refresh_tokens = {}  # token to user
        self.may = lambda user, action, repository: user is not None or action == "pull"

    @property
    def realm(self):
        """The URL that the registry names in its challenge."""
        return f"{self.url}/token"

    def answer(self, exchange):
        if exchange.path != "/token":
            return exchange.reply(404, b"not found\n", "text/plain")
        if exchange.method == "POST":
            form = urllib.parse.parse_qs(b"".join(exchange.body()).decode())
            exchange.form = form
            user = self._user_of_form(form)
            key, offline = "access_token", form.get("access_type") == ["offline"]
        else:
            form = exchange.query
            user = self._user(exchange.headers.get("Authorization"))
            key, offline = "token", self.with_get and form.get("offline_token") == ["true"]
        if user is False:
            return exchange.reply(401, b'{"details":"incorrect username or password"}')
        if form.get("service") != [self.service]:
            return exchange.reply(400, b'{"details":"unknown service"}')
        document = {key: self.token(user, self._granted(user, form.get("scope", []))), "expires_in": self.lifetime,
                    "issued_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        if key == "token":
            document["access_token"] = document["token"]
        if offline and user:
            document["refresh_token"] = secrets.token_hex(16)
            self.refresh_tokens[document["refresh_token"]] = user
        return exchange.reply(200, json.dumps(document).encode())

    def _user(self, authorization):
        """The user of an Authorization header; None for nobody, False if it is refused."""
        if not authorization:
            return None
        return next((name for name, password in self.users.items() if authorization == basic(name, password)), False)

    def _user_of_form(self, form):
        first = {name: values[0] for name, values in form.items()}
        if not first.get("client_id"):
            return False
        if first.get("grant_type") == "refresh_token":
            return self.refresh_tokens.get(first.get("refresh_token"), False)
        if first.get("grant_type") == "password" and self.users.get(first.get("username")) == first.get("password", ""):
            return first["username"]
        return False

    def _granted(self, user, scopes):
        """What is granted of "TYPE:NAME:ACTION,..." scopes, several in one value or not."""
        granted = []
        for scope in " ".join(scopes).split():
            kind, rest = scope.split(":", 1)
            name, _, actions = rest.rpartition(":")
            granted.append((kind, name, [one for one in actions.split(",") if self.may(user, one, name)]))
        return granted

    def token(self, user, scopes):
        """A signed token for a user (or None) and (type, name, actions)."""
        now = time.time()
        if self.expired > 0 and user != "tests":
            self.expired -= 1
            now -= self.lifetime + 3600
        with open(self.pair.certificate, encoding="ascii") as file:
            chain = [line.strip() for line in file if not line.startswith("-----")]
        head = {"typ": "JWT", "alg": "RS256", "x5c": ["".join(chain)]}
        claims = {"iss": self.issuer, "sub": user or "", "aud": self.service, "exp": int(now + self.lifetime),
                  "nbf": int(now - 10), "iat": int(now), "jti": secrets.token_hex(8),
                  "access": [{"type": kind, "name": name, "actions": actions} for kind, name, actions in scopes]}
        signed = b".".join(_encode(json.dumps(part).encode()) for part in (head, claims))
        return (signed + b"." + _encode(self._sign(signed))).decode()

    def _sign(self, data):
        path = f"{self._dir}/signed{digest(data)[7:23]}"
        write(path, data)
        proc.run(["openssl", "dgst", "-sha256", "-sign", self.pair.key, "-out", path + ".sig", path], check=True)
        return read(path + ".sig")


def _encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")
