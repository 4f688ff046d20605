"""The address rule."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.addresses import BlockedAddressError, is_public, require_public

PUBLIC = ["1.1.1.1", "93.184.215.14", "192.0.1.1", "2606:4700::1111", "2a00:1450:4001::8a", "64:ff9b::101:101"]
NOT_PUBLIC = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "168.63.129.16",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "fe80::1",
    "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1",
    "3fff::1", "100::1", "5f00::1", "2606:4700::5efe:7f00:1", "", "localhost", "1.1.1", "0x7f.1", "::ffff:0:127.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_asked(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_refused_however_it_is_written(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(BlockedAddressError):
        require_public(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_as_public_mapped_translated_or_tunnelled_as_it_is_itself(ip: object) -> None:
    number = int(ip_address(str(ip)))
    carriers = [0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80]
    assert {is_public(str(ip_address(carrier))) for carrier in carriers} == {is_public(str(ip))}


@given(st.ip_addresses(v=6))
def test_only_global_unicast_is_ever_public(ip: object) -> None:
    text = str(ip)
    if is_public(text):
        assert text[0] in "23" or text.startswith(("64:ff9b::", "::ffff:"))
