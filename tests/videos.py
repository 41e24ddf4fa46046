"""Small videos for tests."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def picture(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A picture whose grey tells its number: 10 + 5 n, noisy in 8 x 8 blocks, so that packets have size."""
    random = np.random.default_rng(number)
    blocks = random.integers(-8, 9, (-(-height // 8), -(-width // 8), 1))
    image = np.clip(10 + 5 * number + blocks, 0, 255).astype(np.uint8).repeat(8, 0).repeat(8, 1)
    return np.ascontiguousarray(np.broadcast_to(image[:height, :width], (height, width, 3)))


def write_video(
    path: Path,
    count: int = 40,
    width: int = 64,
    height: int = 48,
    rate: int = 25,
    codec: str = "libx264",
    times: list[float] | None = None,
    rotation: int = 0,
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    draw=picture,
    pixels: str = "yuv420p",
    key_frames: int = 10,
    pixel_ratio: Fraction | None = None,
) -> Path:
    with av.open(str(path), "w", options=container or {}) as file:
        stream = file.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = width, height, pixels, key_frames
        stream.codec_context.time_base = Fraction(1, 90_000 if times else rate)
        if pixel_ratio:
            stream.codec_context.sample_aspect_ratio = pixel_ratio
        if rotation:
            stream.set_display_rotation(rotation)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(draw(number, width, height), format="rgb24")
            frame.pts = number if times is None else round(times[number] * 90_000)
            frame.time_base = stream.codec_context.time_base
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def packets(path: Path) -> list[tuple[int, int]]:
    """Place and size of each packet in the file, in the file's order."""
    with av.open(str(path)) as file:
        return [(packet.pos, packet.size) for packet in file.demux(video=0) if packet.size]


def damage(path: Path, packet: int, keep: int) -> None:
    """Overwrite a packet but for its first bytes."""
    place, size = packets(path)[packet]
    data = bytearray(path.read_bytes())
    data[place + keep : place + size] = b"\xff" * (size - keep)
    path.write_bytes(data)


def greys(images) -> list[int]:
    """The numbers of pictures by their grey."""
    return [round((float(image.mean()) - 10) / 5) for image in images]
