"""OLE2 containers ([MS-CFB]): the office formats before 2007, macro projects, and embedded objects."""
