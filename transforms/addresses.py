"""The address rule: a request may only reach public addresses.

It is asked about the address a socket is about to connect to, so it does not matter how that address was spelt, nor
what the name resolved to a moment earlier. Sources: the IANA special-purpose registries (RFC 6890), RFC 6052 and
RFC 8215 (NAT64), RFC 3056 (6to4), RFC 5214 (ISATAP), RFC 4380 (Teredo).
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_REFUSED_6 = (
    IPv6Network("2001::/23"),  # Teredo, ORCHID, benchmarking and other protocol assignments
    IPv6Network("2001:db8::/32"),
    IPv6Network("3fff::/20"),  # documentation
)
_REFUSED_4 = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments: metadata services live here too
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv4Network("168.63.129.16/32"),  # the platform address of a cloud, public by number only
)
_ISATAP = (0x00005EFE, 0x02005EFE)


class BlockedAddressError(OSError):
    """A connection to an address that is not public was refused before it was opened."""

    MARK = "not a public address"

    def __init__(self, address: str) -> None:
        super().__init__(f"{address} is {self.MARK}")


def is_public(address: str) -> bool:
    """Whether a literal IPv4 or IPv6 address, as `getaddrinfo` prints it, is a public unicast address.

    An IPv6 address that carries an IPv4 address (mapped, NAT64, 6to4, ISATAP) is as public as that one. Whatever
    cannot be read is not public.
    """
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return _is_public_4(ip) if isinstance(ip, IPv4Address) else _is_public_6(ip)


def require_public(address: str) -> None:
    """Raise `BlockedAddressError` unless the address is public."""
    if not is_public(address):
        raise BlockedAddressError(address)


def _is_public_4(ip: IPv4Address) -> bool:
    special = ip.is_multicast or ip.is_reserved or any(ip in network for network in _REFUSED_4)
    return ip.is_global and not special


def _is_public_6(ip: IPv6Address) -> bool:
    carried = _carried(ip)
    if carried is not None:
        return _is_public_4(carried)
    return ip in _GLOBAL_UNICAST and ip.is_global and not any(ip in network for network in _REFUSED_6)


def _carried(ip: IPv6Address) -> IPv4Address | None:
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip.sixtofour is not None:
        return ip.sixtofour
    low = int(ip)
    if ip in _NAT64 or (low >> 32) & 0xFFFFFFFF in _ISATAP:
        return IPv4Address(low & 0xFFFFFFFF)
    return None
