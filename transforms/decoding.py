"""Content-Encoding undone within a bound: at most the bytes asked for plus one step are ever held."""

import zlib

import brotli
import zstandard

from transforms.reject import Rejected

_STEP_BYTES = 262_144
_MAX_LAYERS = 3
_MAX_MEMBERS = 1_000  # of one body: gzip members or zstd frames
_ZSTD_STEP_BYTES = 64  # of input, each four of which may be 128 KB
_ZSTD_WINDOW_BYTES = 8 * 1024 * 1024  # what RFC 9659 lets a server use
_GZIP = b"\x1f\x8b"


def decode(body: bytes, encodings: str, max_bytes: int) -> tuple[bytes, bool]:
    """`body` without its `Content-Encoding` (a comma-separated list), and whether the stream was complete.

    A body that is declared gzip and plainly is not is taken as it is, as browsers do. Raises `Rejected`: "too-large"
    over `max_bytes`, "bad-encoding" when nothing can be decoded or the encoding is unknown.
    """
    layers = [layer.strip().lower() for layer in encodings.split(",") if layer.strip()]
    if len(layers) > _MAX_LAYERS:
        raise Rejected("bad-encoding", f"{len(layers)} encodings")
    complete = True
    for layer in reversed(layers):
        body, whole = _decode_one(body, layer, max_bytes)
        complete = complete and whole
    if len(body) > max_bytes:
        raise Rejected("too-large", f"over {max_bytes} bytes")
    return body, complete


def _decode_one(body: bytes, encoding: str, max_bytes: int) -> tuple[bytes, bool]:
    try:
        if encoding in ("gzip", "x-gzip"):
            return _inflate(body, 31, max_bytes) if body[:2] == _GZIP else (body, True)
        if encoding == "deflate":  # zlib-wrapped by the standard, raw by some servers
            wrapped = len(body) > 1 and body[0] & 0x0F == 8 and (body[0] * 256 + body[1]) % 31 == 0
            return _inflate(body, 15 if wrapped else -15, max_bytes)
        if encoding == "br":
            return _unbrotli(body, max_bytes)
        if encoding == "zstd":
            return _unzstd(body, max_bytes)
    except (zlib.error, brotli.error, zstandard.ZstdError, MemoryError) as error:
        raise Rejected("bad-encoding", f"{encoding}: {error}"[:200]) from None
    if encoding == "identity":
        return body, True
    raise Rejected("bad-encoding", f"unknown encoding {encoding[:40]!r}")


def _inflate(body: bytes, window_bits: int, max_bytes: int) -> tuple[bytes, bool]:
    parts: list[bytes] = []
    room = max_bytes + 1
    while body:  # a gzip body may have several members
        stream = zlib.decompressobj(window_bits)
        try:
            part = stream.decompress(body, room)
        except zlib.error:
            if parts and window_bits == 31:  # rubbish behind the last member
                break
            raise
        parts.append(part)
        room -= len(part)
        if room <= 0:
            raise Rejected("too-large", f"over {max_bytes} bytes decoded")
        if not stream.eof:
            return b"".join(parts), False
        body = stream.unused_data if window_bits == 31 else b""
        if len(parts) > _MAX_MEMBERS:
            raise Rejected("bad-encoding", f"more than {_MAX_MEMBERS} gzip members")
    return b"".join(parts) if len(parts) != 1 else parts[0], True


def _unbrotli(body: bytes, max_bytes: int) -> tuple[bytes, bool]:
    stream = brotli.Decompressor()
    parts = [stream.process(body, output_buffer_limit=_STEP_BYTES)]
    size = len(parts[0])
    while not stream.is_finished() and (part := stream.process(b"", output_buffer_limit=_STEP_BYTES)):
        parts.append(part)
        size += len(part)
        if size > max_bytes:
            raise Rejected("too-large", f"over {max_bytes} bytes decoded")
    return b"".join(parts), stream.is_finished()


def _unzstd(body: bytes, max_bytes: int) -> tuple[bytes, bool]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
    parts: list[bytes] = []
    size = at = frames = 0
    while at < len(body):  # a body may have several frames
        stream = decompressor.decompressobj()
        while at < len(body) and not stream.eof:
            try:
                part = stream.decompress(body[at : at + _ZSTD_STEP_BYTES])
            except zstandard.ZstdError:
                if frames:  # rubbish behind the last frame
                    return b"".join(parts), True
                raise
            at += _ZSTD_STEP_BYTES
            parts.append(part)
            size += len(part)
            if size > max_bytes:
                raise Rejected("too-large", f"over {max_bytes} bytes decoded")
        if not stream.eof:
            return b"".join(parts), False
        at = min(at, len(body)) - len(stream.unused_data)
        frames += 1
        if frames > _MAX_MEMBERS:
            raise Rejected("bad-encoding", f"more than {_MAX_MEMBERS} zstd frames")
    return b"".join(parts), True
