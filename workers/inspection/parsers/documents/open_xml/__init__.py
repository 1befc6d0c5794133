"""Office Open XML (docx, xlsx, pptx, vsdx and the like): ECMA-376 part 2 for packages, parts 1 and 4 for their parts."""
