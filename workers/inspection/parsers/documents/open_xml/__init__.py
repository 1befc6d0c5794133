"""Office Open XML (docx, xlsx, pptx, vsdx and the like): ECMA-376."""
