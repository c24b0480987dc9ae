"""BLAKE3 of short texts, written as Bianque writes digests.

Only inputs of one chunk (1,024 bytes): what names a recipe. Written from the BLAKE3 paper
(O'Connor, Aumasson, Neves and Wilcox-O'Hearn 2020).
"""

START = (
    0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
    0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19,
)  # fmt: skip
ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
QUARTERS = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)  # fmt: skip
FIRST, LAST, ROOT = 1, 2, 8
BLOCK = 64


def _turned(value: int, by: int) -> int:
    return ((value >> by) | (value << (32 - by))) & 0xFFFFFFFF


def _mix(v: list[int], quarter: tuple[int, int, int, int], x: int, y: int) -> None:
    a, b, c, d = quarter
    for word, (first, second) in ((x, (16, 12)), (y, (8, 7))):
        v[a] = (v[a] + v[b] + word) & 0xFFFFFFFF
        v[d] = _turned(v[d] ^ v[a], first)
        v[c] = (v[c] + v[d]) & 0xFFFFFFFF
        v[b] = _turned(v[b] ^ v[c], second)


def _compress(chain: tuple[int, ...], block: bytes, flags: int) -> tuple[int, ...]:
    padded = block.ljust(BLOCK, b"\0")
    words = [int.from_bytes(padded[i : i + 4], "little") for i in range(0, BLOCK, 4)]
    v = [*chain, *START[:4], 0, 0, len(block), flags]
    for _ in range(7):
        for index, quarter in enumerate(QUARTERS):
            _mix(v, quarter, words[2 * index], words[2 * index + 1])
        words = [words[place] for place in ORDER]
    return tuple(v[i] ^ v[i + 8] for i in range(8))


def digest(text: str) -> str:
    """`blake3:` and 64 hexadecimal digits of a text of at most 1,024 bytes."""
    data = text.encode()
    if len(data) > 1024:
        raise ValueError("only texts of at most 1,024 bytes have a digest here")
    blocks = [data[i : i + BLOCK] for i in range(0, len(data), BLOCK)] or [b""]
    chain = START
    for index, block in enumerate(blocks):
        flags = FIRST if index == 0 else 0
        if index == len(blocks) - 1:
            flags |= LAST | ROOT
        chain = _compress(chain, block, flags)
    return "blake3:" + b"".join(word.to_bytes(4, "little") for word in chain).hex()
