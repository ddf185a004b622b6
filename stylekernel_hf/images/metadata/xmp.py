"""XMP, properties in RDF/XML: those that stay true of a stylized image, kept as stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.dom import minidom

MAX_BYTES = 65_502
"""Room for XMP in a JPEG file."""

_MAX_BYTES_READ = 2**20
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC = "http://purl.org/dc/elements/1.1/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_TIFF = "http://ns.adobe.com/tiff/1.0/"
_EXIF = "http://ns.adobe.com/exif/1.0/"
_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
_IPTC_CORE = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"

_PACKET = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>{}<?xpacket end="w"?>'
_EMPTY = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    f'<rdf:RDF xmlns:rdf="{_RDF}"><rdf:Description rdf:about=""/></rdf:RDF></x:xmpmeta>'
)
# Not true of the result: edit histories, thumbnails, settings of raw converters, depth maps, gain
# maps, and motion photos.
_UNTRUE_NAMESPACES = {
    "http://ns.adobe.com/xap/1.0/mm/",
    "http://ns.adobe.com/xap/1.0/g/img/",
    "http://ns.adobe.com/camera-raw-settings/1.0/",
    "http://ns.adobe.com/xmp/note/",
    "http://ns.adobe.com/hdr-gain-map/1.0/",
    "http://ns.apple.com/HDRGainMap/1.0/",
    "http://ns.google.com/photos/1.0/camera/",
    "http://ns.google.com/photos/1.0/container/",
    "http://ns.google.com/photos/1.0/depthmap/",
    "http://ns.google.com/photos/1.0/image/",
}
_UNTRUE = {(_XMP, "Thumbnails"), (_PHOTOSHOP, "ICCProfile")}
# Namespaces with known properties; properties of others may tell a place.
_KNOWN_NAMESPACES = {
    _RDF,
    _DC,
    _XMP,
    _TIFF,
    _EXIF,
    _PHOTOSHOP,
    _IPTC_CORE,
    "http://ns.adobe.com/xap/1.0/rights/",
    "http://ns.adobe.com/exif/1.0/aux/",
    "http://cipa.jp/exif/1.0/",
    "http://www.w3.org/XML/1998/namespace",
    "http://www.w3.org/2000/xmlns/",
}
_LOCATION = {
    (_DC, "coverage"),
    (_PHOTOSHOP, "City"),
    (_PHOTOSHOP, "State"),
    (_PHOTOSHOP, "Country"),
    (_IPTC_CORE, "Location"),
    (_IPTC_CORE, "CountryCode"),
    (_IPTC_CORE, "CreatorContactInfo"),
}


def clean(data: bytes, size: tuple[int, int], *, location: bool) -> bytes:
    """Return the XMP of a stylized image of `size` from that of its photo.

    The result is upright, in sRGB, and has no thumbnail. Without `location`, only properties of
    known namespaces are kept, and none that tells a place. Raises ValueError for damaged XMP, and
    for more than `MAX_BYTES`.
    """
    document = _parsed(data)
    values = {
        (_TIFF, "Orientation"): "1",
        (_TIFF, "ImageWidth"): str(size[0]),
        (_TIFF, "ImageLength"): str(size[1]),
        (_EXIF, "PixelXDimension"): str(size[0]),
        (_EXIF, "PixelYDimension"): str(size[1]),
        (_EXIF, "ColorSpace"): "1",
    }
    for node in _nodes(document):
        name = node.namespaceURI, node.localName
        if _is_to_go(node, location):
            _remove(node)
        elif name in values:
            _set_text(node, values[name])
    return _serialized(document)


def with_texts(data: bytes, fields: dict[int, list[str]]) -> bytes:
    """Add texts of IPTC fields, by field number, to XMP that lacks their properties.

    The IPTC Photo Metadata Standard maps fields to properties.
    """
    document = _parsed(data or _EMPTY.encode())
    there = {(node.namespaceURI, node.localName) for node in _nodes(document)}
    description = document.getElementsByTagNameNS(_RDF, "Description")[0]
    for number, (prefix, namespace, name, container) in _PROPERTIES.items():
        if number in fields and (namespace, name) not in there:
            node = document.createElementNS(namespace, f"{prefix}:{name}")
            node.setAttribute(f"xmlns:{prefix}", namespace)
            node.setAttribute("xmlns:rdf", _RDF)
            texts = [_date(fields)] if name == "DateCreated" else fields[number]
            _fill(document, node, container, [text.translate(_CONTROLS) for text in texts])
            description.appendChild(node)
    return _serialized(document)


# Property of each field: prefix, namespace, name, and the RDF container of its texts.
_PROPERTIES = {
    5: ("dc", _DC, "title", "Alt"),
    25: ("dc", _DC, "subject", "Bag"),
    40: ("photoshop", _PHOTOSHOP, "Instructions", ""),
    55: ("photoshop", _PHOTOSHOP, "DateCreated", ""),
    80: ("dc", _DC, "creator", "Seq"),
    85: ("photoshop", _PHOTOSHOP, "AuthorsPosition", ""),
    90: ("photoshop", _PHOTOSHOP, "City", ""),
    92: ("Iptc4xmpCore", _IPTC_CORE, "Location", ""),
    95: ("photoshop", _PHOTOSHOP, "State", ""),
    100: ("Iptc4xmpCore", _IPTC_CORE, "CountryCode", ""),
    101: ("photoshop", _PHOTOSHOP, "Country", ""),
    105: ("photoshop", _PHOTOSHOP, "Headline", ""),
    110: ("photoshop", _PHOTOSHOP, "Credit", ""),
    115: ("photoshop", _PHOTOSHOP, "Source", ""),
    116: ("dc", _DC, "rights", "Alt"),
    120: ("dc", _DC, "description", "Alt"),
    122: ("photoshop", _PHOTOSHOP, "CaptionWriter", ""),
}


# Characters that XML cannot hold.
_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])


def _parsed(data: bytes) -> minidom.Document:
    if len(data) > _MAX_BYTES_READ:
        raise ValueError(f"it must have at most {_MAX_BYTES_READ} bytes, got {len(data)}")
    text = data.rstrip(b"\0 \r\n\t").decode("utf-8-sig")
    # XMP has no entities, which could expand without bound.
    if "<!DOCTYPE" in text or "<!ENTITY" in text or "\0" in text:
        raise ValueError("it must be XML without a document type")
    document = minidom.parseString(text.encode())
    if not document.getElementsByTagNameNS(_RDF, "Description"):
        raise ValueError("it must have a description in RDF")
    return document


def _nodes(document: minidom.Document) -> Iterator[Any]:
    """Yield all nodes of the document: elements, attributes, comments and instructions."""
    waiting: list[Any] = list(document.childNodes)
    while waiting:
        node = waiting.pop()
        yield node
        if node.parentNode is None:
            continue  # It was removed.
        waiting.extend(node.childNodes)
        if node.nodeType == node.ELEMENT_NODE:
            yield from list((node.attributes or {}).values())


def _is_to_go(node: Any, location: bool) -> bool:
    if node.nodeType in (node.COMMENT_NODE, node.PROCESSING_INSTRUCTION_NODE):
        return True
    if node.nodeType not in (node.ELEMENT_NODE, node.ATTRIBUTE_NODE):
        return False
    name = node.namespaceURI, node.localName
    if node.namespaceURI in _UNTRUE_NAMESPACES or name in _UNTRUE:
        return True
    is_frame = node.nodeType == node.ELEMENT_NODE and node.localName in ("xmpmeta", "xapmeta")
    if location or is_frame:
        return False
    tells = "gps" in node.localName.lower() or name in _LOCATION
    return tells or node.namespaceURI not in _KNOWN_NAMESPACES


def _remove(node: Any) -> None:
    if node.nodeType == node.ATTRIBUTE_NODE:
        node.ownerElement.removeAttributeNode(node)
    else:
        node.parentNode.removeChild(node)


def _set_text(node: Any, text: str) -> None:
    if node.nodeType == node.ATTRIBUTE_NODE:
        node.value = text
    else:
        for child in list(node.childNodes):
            node.removeChild(child)
        node.appendChild(node.ownerDocument.createTextNode(text))


def _fill(document: minidom.Document, node: Any, container: str, texts: list[str]) -> None:
    """Set the text of a property, or its texts as the items of an rdf:Alt, Bag or Seq."""
    if not container:
        node.appendChild(document.createTextNode(texts[0]))
        return
    items = document.createElementNS(_RDF, f"rdf:{container}")
    for text in texts:
        item = document.createElementNS(_RDF, "rdf:li")
        if container == "Alt":
            item.setAttribute("xml:lang", "x-default")
        item.appendChild(document.createTextNode(text))
        items.appendChild(item)
    node.appendChild(items)


def _date(fields: dict[int, list[str]]) -> str:
    """Return date and time, if given, from IPTC's CCYYMMDD and HHMMSS±HHMM."""
    date, time = fields[55][0], (fields.get(60) or [""])[0]
    text = f"{date[:4]}-{date[4:6]}-{date[6:8]}"
    if len(time) >= 6:
        text += f"T{time[:2]}:{time[2:4]}:{time[4:6]}"
        text += f"{time[6:9]}:{time[9:11]}" if len(time) == 11 else ""
    return text


def _serialized(document: minidom.Document) -> bytes:
    root = document.documentElement
    if root is None:
        return b""
    data = _PACKET.format(root.toxml()).encode()
    if len(data) > MAX_BYTES:
        raise ValueError(f"it must have at most {MAX_BYTES} bytes, got {len(data)}")
    return data
