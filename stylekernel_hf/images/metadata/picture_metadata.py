"""EXIF, XMP and IPTC data of an image, corrected for its stylized result, and written."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from PIL import Image

from stylekernel_hf.images.metadata import containers, exif, iptc, xmp
from stylekernel_hf.images.metadata.containers import EXIF_MARK
from stylekernel_hf.images.metadata.fields import Field, Fields
from stylekernel_hf.images.pillow_errors import silent_pillow

logger = logging.getLogger(__name__)

TIFF_XMP, TIFF_IPTC, TIFF_PHOTOSHOP = 700, 33723, 34377
_BYTES, _UNDEFINED = 1, 7
_IPTC_RESOURCE = 0x0404


@dataclass(frozen=True)
class PictureMetadata:
    """EXIF, XMP and IPTC data of an image, as stored in its file.

    Args:
        exif: A block of EXIF data, which begins with "II" or "MM"; empty without.
        xmp: An XMP packet; empty without.
        iptc: IPTC records (IIM); empty without.

    Example:
        >>> from stylekernel_hf import PictureMetadata, read_metadata
        >>> read_metadata("painting.jpg").for_result((640, 480), location=False)
        PictureMetadata(exif=b'', xmp=b'', iptc=b'')
    """

    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""

    def for_result(self, size: tuple[int, int], *, location: bool = True) -> PictureMetadata:
        """Return the metadata that stay true of the stylized image.

        The result is upright, in sRGB, and has no thumbnail. Damaged or too large data are left
        out, and a warning is logged.

        Args:
            size: Width and height of the result in px.
            location: Keep the data that tell where the photo was taken.

        Returns:
            The corrected metadata.
        """
        return PictureMetadata(
            exif=_kept("EXIF", self.exif, lambda x: exif.clean(x, size, location=location)),
            xmp=_kept("XMP", self.xmp, lambda x: xmp.clean(x, size, location=location)),
            iptc=_kept("IPTC", self.iptc, lambda x: iptc.clean(x, location=location)),
        )

    def info(self) -> dict[str, Any]:
        """Return the metadata as Pillow's readers store them in an image's `info`."""
        info: dict[str, Any] = {}
        if self.exif:
            info["exif"] = EXIF_MARK + self.exif
        if self.xmp:
            info["xmp"] = self.xmp
        if self.iptc:
            info["photoshop"] = {_IPTC_RESOURCE: self.iptc}
        return info

    def add_to(self, stream: BinaryIO, image_format: str) -> None:
        """Add the metadata to an image file without any.

        Args:
            stream: The file, open for reading and writing.
            image_format: Pillow's name of the format. JPEG, PNG, TIFF and WEBP files are changed,
                others left as they are.
        """
        if self == PictureMetadata():
            return
        if image_format == "JPEG":
            photoshop = iptc.in_photoshop(self.iptc) if self.iptc else b""
            containers.add_to_jpeg(stream, self.exif, self.xmp, photoshop)
        elif image_format == "PNG":
            containers.add_to_png(stream, self.exif, self._all_xmp())
        elif image_format == "WEBP":
            containers.add_to_webp(stream, self.exif, self._all_xmp())
        elif image_format == "TIFF":
            fields: Fields = {}
            if self.xmp:
                fields[TIFF_XMP] = Field(_BYTES, self.xmp)
            if self.iptc:
                fields[TIFF_IPTC] = Field(_UNDEFINED, self.iptc)
            exif.add_to_tiff(stream, self.exif, fields)

    def save_options(self, image_format: str) -> dict[str, Any]:
        """Return the options of `PIL.Image.Image.save` for formats that `add_to` leaves out."""
        if image_format != "AVIF":
            return {}
        options = {
            # AVIF stores the orientation itself, and Pillow copies that of EXIF there.
            "exif": exif.without_orientation(self.exif) if self.exif else b"",
            "xmp": self._all_xmp(),
        }
        return {name: data for name, data in options.items() if data}

    def resolution(self) -> tuple[float, float] | None:
        """Return the pixels per millimetre, across and down, if EXIF has them."""
        return exif.resolution(self.exif) if self.exif else None

    def _all_xmp(self) -> bytes:
        """Return XMP with the texts of IPTC added, for formats that do not store IPTC."""
        if not self.iptc:
            return self.xmp
        texts = _kept("IPTC", self.iptc, lambda x: xmp.with_texts(self.xmp, iptc.texts(x)))
        return texts or self.xmp


def metadata_of(image: Image.Image) -> PictureMetadata:
    """Return the metadata in the `info` of a PIL image, or in the tags of a TIFF file."""
    info = cast("dict[str, Any]", image.info)
    exif_data = info.get("exif") or b""
    if not exif_data and (hasattr(image, "tag_v2") or "Raw profile type exif" in info):
        exif_data = _kept("EXIF", b"-", lambda _: Image.Image.getexif(image).tobytes())
    packet = info.get("xmp") or b""
    photoshop = info.get("photoshop")
    records = photoshop.get(_IPTC_RESOURCE) if isinstance(photoshop, dict) else None
    return PictureMetadata(
        exif=_as_bytes(exif_data).removeprefix(EXIF_MARK),
        xmp=packet.encode() if isinstance(packet, str) else _as_bytes(packet),
        iptc=_as_bytes(records),
    )


def _as_bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""


def _kept(kind: str, data: bytes, clean: Callable[[bytes], bytes]) -> bytes:
    """Return cleaned data, or none if they are damaged: metadata must not stop the work."""
    if not data:
        return b""
    try:
        with silent_pillow():
            return clean(data)
    except Exception as error:  # Parsers raise errors of any type on damaged data.
        logger.warning("the %s data of the image are left out: %s", kind, error)
        return b""
