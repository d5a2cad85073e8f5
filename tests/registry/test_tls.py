# SPDX-License-Identifier: Apache-2.0
"""Whom `veneer` believes: TLS with authorities of all and of one host, certificates of clients, and plain HTTP."""

import json
import os

from support import network
from support.files import read
from support.registry_case import PullCase, published, sample


class Trust(PullCase):
    def setUp(self):
        super().setUp()
        self.private_etc()
        self.image = sample(1)
        self.signer = self.authority()
        self.secure = self.registry("secure", tls=self.signer.issue("127.0.0.1", "localhost"))
        self.secure.trust = self.signer.client_context()
        published(self.secure, self.image, "app", "1")
        self.reference = f"{self.secure.host}/app:1"

    def trusted(self, reference=None, *options):
        """It is pulled, and removed again."""
        reference = reference or self.reference
        self.veneer("pull", *options, reference)
        self.assert_pulled(reference, self.image)
        self.veneer("rmi", reference)
        self.veneer("prune")

    def test_nobody_vouches_for_it(self):
        self.not_pulled(self.reference, say="certificate")

    def test_not_even_over_plain_http_after_a_bad_certificate(self):
        done = self.not_pulled(self.reference, say="certificate")
        self.assertNotIn("http://", done.err)

    def test_an_authority_of_the_host_in_each_place(self):
        home = self.path("home/.config/containers/certs.d")
        for folder in ("/etc/docker/certs.d", "/etc/containers/certs.d", home):
            with self.subTest(folder=folder):
                path = os.path.join(folder, self.secure.host, "ca.crt")
                os.makedirs(os.path.dirname(path))
                os.symlink(self.signer.certificate, path)
                self.trusted()
                os.unlink(path)
        self.not_pulled(self.reference, say="certificate")

    def test_an_authority_of_the_system(self):
        with open("/etc/ssl/certs/ca-certificates.crt", "ab") as bundle:
            bundle.write(read(self.signer.certificate))
        self.trusted()

    def test_the_authority_of_one_host_is_not_that_of_another(self):
        self.etc(f"docker/certs.d/{self.secure.host}/ca.crt", read(self.signer.certificate))
        other = self.registry("other", tls=self.signer.issue("127.0.0.1", file="other"))
        other.trust = self.signer.client_context()
        published(other, self.image, "app", "1")
        self.trusted()
        self.not_pulled(f"{other.host}/app:1", say="certificate")

    def test_the_authority_of_the_host_does_not_replace_those_of_the_system(self):
        strange = self.authority("strange")
        self.etc(f"docker/certs.d/{self.secure.host}/ca.crt", read(strange.certificate))
        with open("/etc/ssl/certs/ca-certificates.crt", "ab") as bundle:
            bundle.write(read(self.signer.certificate))
        self.trusted()

    def test_a_certificate_of_another_name(self):
        wrong = self.registry("wrong", tls=self.signer.issue("registry.example", file="wrong"))
        self.etc(f"docker/certs.d/{wrong.host}/ca.crt", read(self.signer.certificate))
        self.not_pulled(f"{wrong.host}/app:1", say="127.0.0.1|certificate|name")

    def test_unverified_by_the_option_or_the_configuration(self):
        self.trusted(None, "--tls-verify=false")
        self.etc("docker/daemon.json", json.dumps({"insecure-registries": [self.secure.host]}))
        self.trusted()
        os.unlink("/etc/docker/daemon.json")
        self.etc("containers/registries.conf", f'[[registry]]\nlocation = "{self.secure.host}"\ninsecure = true\n')
        self.trusted()

    def test_certificates_of_clients(self):
        clients = self.authority("clients")
        strict = self.registry("strict", tls=self.secure.tls, clients=clients)
        mine = clients.issue("client", file="client")
        strict.trust = self.signer.client_context(mine)
        published(strict, self.image, "app", "1")
        self.etc(f"docker/certs.d/{strict.host}/ca.crt", read(self.signer.certificate))
        # With TLS 1.3 the server hangs up after the handshake: its reason may be lost.
        self.not_pulled(f"{strict.host}/app:1", say=strict.host)
        self.etc(f"docker/certs.d/{strict.host}/client.cert", read(mine.certificate))
        self.not_pulled(f"{strict.host}/app:1", say=r"client\.(cert|key)")
        self.etc(f"docker/certs.d/{strict.host}/client.key", read(mine.key))
        self.trusted(f"{strict.host}/app:1")

    def test_an_authority_file_that_is_none_is_named(self):
        self.etc(f"docker/certs.d/{self.secure.host}/ca.crt", "no certificate\n")
        self.not_pulled(self.reference, say=r"ca\.crt")


class PlainHttp(PullCase):
    def setUp(self):
        super().setUp()
        self.private_etc()
        self.image = sample(1)
        self.outside = self.registry("outside", address=network.OUTSIDE)
        self.outside.name = network.OUTSIDE
        published(self.outside, self.image, "app", "1")
        self.reference = f"{self.outside.host}/app:1"

    def test_it_is_for_loopback_addresses_alone(self):
        published(self.good, self.image, "app", "1")
        self.veneer("pull", self.name("app", "1"))
        self.veneer("pull", self.name("app", "1").replace("127.0.0.1", "localhost"))
        self.not_pulled(self.reference, say=network.OUTSIDE)

    def test_hosts_that_the_configuration_calls_insecure(self):
        for name, text in (("docker/daemon.json", json.dumps({"insecure-registries": [self.outside.host]})),
                           ("docker/daemon.json", json.dumps({"insecure-registries": ["192.0.2.0/24"]})),
                           ("containers/registries.conf", f'[[registry]]\nlocation = "{self.outside.host}"\ninsecure = true\n')):
            with self.subTest(text=text):
                self.etc(name, text)
                self.veneer("pull", self.reference)
                self.assert_pulled(self.reference, self.image)
                self.veneer("rmi", self.reference)
                self.veneer("prune")
                os.unlink(f"/etc/{name}")
        self.not_pulled(self.reference)

    def test_a_list_that_names_another_host_does_not_help(self):
        self.etc("docker/daemon.json", json.dumps({"insecure-registries": ["192.0.2.1:1", "198.51.100.0/24"]}))
        self.not_pulled(self.reference)
