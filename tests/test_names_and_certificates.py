"""Names that lie and certificates that do not fit: the client with a resolver and certificates of the tests' own."""

import asyncio
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import AF_INET, AF_INET6, AddressFamily

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.servers import Reply, Route, Site, html, serve
from transforms.answers import Exchange
from transforms.http_client import HttpClient
from transforms.settings import FetchSettings


class Resolver(AbstractResolver):
    """Answers every name with the next of its lists of addresses, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(self, host: str, port: int = 0, family: AddressFamily = AF_INET) -> list[ResolveResult]:
        self.asked += 1
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=AF_INET6 if ":" in address else AF_INET, proto=0, flags=0
            )
            for address in addresses
        ]

    async def close(self) -> None:
        pass


@dataclass(frozen=True)
class Certificates:
    """A server's context for "site.example", and a client's that trusts it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder: Path = tmp_path_factory.mktemp("certificates")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "site.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("site.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(pem)
    return Certificates(server, ssl.create_default_context(cafile=str(pem)))


@pytest.fixture
def canary() -> Iterator[Site]:
    with serve({"/": html("secret")}) as site:
        yield site


def get(url: str, resolver: Resolver, *, tls: ssl.SSLContext | None = None, allow: tuple[str, ...] = ()) -> Exchange:
    async def run() -> Exchange:
        settings = FetchSettings(timeout_s=3, retries=1, per_host_delay_s=0, allow_hosts=allow)
        client = HttpClient(settings, resolver=resolver, tls=tls)
        try:
            async with client.get(url, kind="page") as exchange:
                return exchange
        finally:
            await client.close()

    return asyncio.run(run())


def reason(exchange: Exchange) -> str | None:
    return exchange.rejected.reason if exchange.rejected else None


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],  # NAT64 of 127.0.0.1
        ["64:ff9b:1::7f00:1"],
        ["2002:7f00:1::"],
        ["169.254.169.254", "fd00:ec2::254"],
        ["10.0.0.1", "127.0.0.1", "::1"],
    ],
)
def test_a_public_name_of_a_private_address_is_refused(addresses: list[str], canary: Site) -> None:
    exchange = get(f"http://news.example:{canary.port}/", Resolver(addresses))
    assert reason(exchange) == "blocked-address"
    assert canary.requests == []


def test_a_name_that_changes_between_two_requests_is_refused_at_the_second(canary: Site) -> None:
    """The first look-up is of an allowed host; the same name, turned inwards, is asked for under another port."""
    with serve({"/": Reply(status=302, headers={"Location": f"http://news.example:{canary.port}/"})}) as site:
        resolver = Resolver(["127.0.0.1"])
        exchange = get(f"http://news.example:{site.port}/", resolver, allow=(f"news.example:{site.port}",))
    assert site.asked == ["/"]
    assert reason(exchange) == "blocked-address"
    assert canary.requests == []


def test_certificates_are_verified(certificates: Certificates) -> None:
    with serve({"/": html("<p>hello")}, tls=certificates.server) as site:
        host, other = f"site.example:{site.port}", f"other.example:{site.port}"
        assert reason(get(f"https://{host}/", Resolver(["127.0.0.1"]), allow=(host,))) == "tls"
        trusting = certificates.client
        assert reason(get(f"https://{host}/", Resolver(["127.0.0.1"]), tls=trusting, allow=(host,))) is None
        assert reason(get(f"https://{other}/", Resolver(["127.0.0.1"]), tls=trusting, allow=(other,))) == "tls"


def test_no_redirect_leads_from_https_to_http(certificates: Certificates, canary: Site) -> None:
    routes: dict[str, Route] = {}
    with serve(routes, tls=certificates.server) as site:
        host = f"site.example:{site.port}"
        allow = (host, canary.host, f"site.example:{canary.port}")
        for location in (f"http://site.example:{canary.port}/", f"{canary.base}/"):
            routes["/"] = Reply(status=301, headers={"Location": location})
            exchange = get(f"https://{host}/", Resolver(["127.0.0.1"]), tls=certificates.client, allow=allow)
            assert reason(exchange) == "tls-downgrade"
    assert canary.requests == []
