"""The destinations of RTF (specification 1.9.1, appendix B), by what becomes of the text in them. Pure."""

SHAPES = frozenset({"shp", "shpinst", "picprop", "background"})
"""The destinations with which the properties of another shape or picture begin."""

SILENT = frozenset(
    {"bkmkstart", "bkmkend", "formfield", "ffname", "ffdeftext", "ffhelptext", "ffstattext", "ffformat",
     "ffentrymcr", "ffexitmcr", "ffl", "atnid", "atnauthor", "fldtype", "datastore", "themedata"}
)  # fmt: skip
"""Those that programs write into the instruction of a field, with a star; their text is none of it."""

HIDDEN = SILENT | frozenset(
    {"aftncn", "aftnsep", "aftnsepc", "annotation", "atnicn", "atnparent", "atnref", "atntime", "atrfend", "atrfstart",
     "author", "blipuid", "bliptag", "buptim", "category", "colorschememapping", "colortbl", "comment", "company",
     "creatim", "defchp", "defpap", "do", "doccomm", "docvar", "dptxbxtext", "ebcend", "ebcstart", "factoidname",
     "falt", "filetbl", "fontemb", "fonttbl", "footer", "footerf", "footerl", "footerr", "footnote", "ftncn", "ftnsep",
     "ftnsepc", "generator", "gridtbl", "header", "headerf", "headerl", "headerr", "hl", "hlloc", "htmltag", "info",
     "keycode", "keywords", "latentstyles", "levelnumbers", "leveltext", "linkval", "list", "listlevel", "listname",
     "listoverride", "listoverridetable", "listpicture", "liststylename", "listtable", "listtext", "lsdlockedexcept",
     "macpict", "mailmerge", "manager", "mhtmltag", "nesttableprops", "nonesttables", "nonshppict", "objalias",
     "objname", "objsect", "object", "oldcprops", "oldpprops", "oldsprops", "oldtprops", "oleclsid", "operator",
     "panose", "password", "passwordhash", "pgp", "pgptbl", "picprop", "pict", "pn", "pnseclvl", "pntext", "pntxta",
     "pntxtb", "printim", "private", "propname", "protend", "protstart", "protusertbl", "result", "revtbl", "revtim",
     "rsidtbl", "rxe", "shp", "shpinst", "shppict", "shprslt", "shptxt", "staticval", "stylesheet", "subject",
     "svb", "tc", "title", "txe", "userprops", "wgrffmtfilter", "windowcaption", "writereservation",
     "writereservhash", "xe", "xmlattrname", "xmlattrvalue", "xmlclose", "xmlname", "xmlnstbl", "xmlopen"}
)  # fmt: skip
"""Those whose text is none of the document's, also without a star."""
