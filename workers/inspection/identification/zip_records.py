"""The records of a zip: their marks, and the layouts that more than one reader unpacks (APPNOTE.TXT, 4.3). Pure."""

import struct

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
END_64, LOCATOR_64 = b"PK\x06\x06", b"PK\x06\x07"
DESCRIPTOR_MARK = b"PK\x07\x08"
"""The mark of a descriptor, which may be missing; and of an archive that was split and fits into one file."""
SIGNATURE = b"PK\x05\x05"

LOCAL_HEADER = struct.Struct("<4s5H3L2H")  # 4.3.7
CENTRAL_HEADER = struct.Struct("<4s6H3L5H2L")  # 4.3.12
END_RECORD = struct.Struct("<4s4H2LH")  # 4.3.16
