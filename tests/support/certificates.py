# SPDX-License-Identifier: Apache-2.0
"""Certificates made by openssl: an authority, and what it signs for servers and clients."""

import ipaddress
import os
import ssl

from support import proc
from support.files import write

RSA_KEY = ("-newkey", "rsa:2048")
_QUICK_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


class Pair:
    """A certificate and its key, as the paths of two PEM files."""

    def __init__(self, certificate, key):
        self.certificate, self.key = certificate, key

    def server_context(self, clients=None):
        """For a server of the tests with this certificate. `clients`: the authority that signs those of its clients."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients.certificate)
        return context


class Authority(Pair):
    """An authority of its own; its files, and those of what it issues, are in a directory."""

    def __init__(self, directory, name="authority", key=_QUICK_KEY):
        os.makedirs(directory, exist_ok=True)
        self.dir = directory
        super().__init__(os.path.join(directory, f"{name}.crt"), os.path.join(directory, f"{name}.key"))
        _openssl("req", "-x509", *key, "-nodes", "-keyout", self.key, "-out", self.certificate,
                 "-days", "30", "-subj", f"/CN=Veneer test {name}", "-addext", "basicConstraints=critical,CA:TRUE",
                 "-addext", "keyUsage=critical,keyCertSign,digitalSignature")

    def issue(self, *names, file="server"):
        """A certificate for these names and addresses, of a server or a client, in FILE.crt and FILE.key."""
        pair = Pair(os.path.join(self.dir, f"{file}.crt"), os.path.join(self.dir, f"{file}.key"))
        request, extensions = (os.path.join(self.dir, f"{file}.{kind}") for kind in ("csr", "ext"))
        write(extensions, f"subjectAltName={','.join(map(_alternative, names))}\n"
                          "extendedKeyUsage=serverAuth,clientAuth\nbasicConstraints=CA:FALSE\n")
        _openssl("req", *_QUICK_KEY, "-nodes", "-keyout", pair.key, "-out", request, "-subj", f"/CN={names[0]}")
        _openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                 "-days", "30", "-extfile", extensions, "-out", pair.certificate)
        return pair

    def client_context(self, pair=None):
        """For a client of the tests that trusts this authority alone, with the certificate of `pair` if given."""
        context = ssl.create_default_context(cafile=self.certificate)
        if pair:
            context.load_cert_chain(pair.certificate, pair.key)
        return context


def _alternative(name):
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"


def _openssl(*arguments):
    proc.run(["openssl", *arguments], check=True)
