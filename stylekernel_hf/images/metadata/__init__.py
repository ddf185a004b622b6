"""EXIF, XMP and IPTC data: read, corrected for a stylized image, and written."""
