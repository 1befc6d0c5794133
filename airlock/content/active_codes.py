"""The codes of what a file runs, loads or leads to, from `javascript` to `active_formula`. Pure."""

from airlock.content.finding_code import ACTS, CLICKED, LOADS, FindingCode

ACTIVE_CODES = (
    FindingCode("javascript", "pdf", "reject", "the PDF runs scripts", ACTS),
    FindingCode(
        "form_script",
        "pdf",
        "note",
        "scripts of form fields that only format or calculate, by an allow-list of Acrobat's functions",
        "they compute what a field shows",
    ),
    FindingCode("launch_action", "pdf", "reject", "the PDF starts a program", ACTS),
    FindingCode(
        "remote_action", "pdf", "reject", "the PDF opens, sends to or plays something that is not in it", LOADS
    ),
    FindingCode("external_stream", "pdf", "reject", "the content of a stream is in another file", LOADS),
    FindingCode(
        "unsafe_link",
        "pdf, office, markup, mail, text",
        "reject",
        "a link of a scheme that is not among those allowed (http, https, mailto, tel and the like)",
        "a click starts a program or reaches a share",
    ),
    FindingCode(
        "external_link",
        "office, pdf, mail",
        "note",
        "a link to another file or workbook that opens when it is clicked or agreed to",
        CLICKED,
    ),
    FindingCode("script", "markup, text, mail, office", "reject", "it runs scripts", ACTS),
    FindingCode("event_handler", "markup, office", "reject", "attributes that run scripts", ACTS),
    FindingCode(
        "foreign_object",
        "markup, mail, office, text",
        "reject",
        "it embeds foreign content",
        "it shows a page of another format",
    ),
    FindingCode(
        "external_reference",
        "markup, image, media, mail, office, text",
        "reject",
        "it loads something from elsewhere when it is opened",
        LOADS,
    ),
    FindingCode(
        "entity_expansion",
        "markup, office, mail, text",
        "reject",
        "it defines entities that grow",
        "a small file fills the memory",
    ),
    FindingCode("macros", "office", "reject", "it has macros", "they run with the reader's rights"),
    FindingCode("empty_macros", "office", "note", "it has a macro project without code", "there is nothing to run"),
    FindingCode(
        "remote_template",
        "office, mail",
        "reject",
        "it loads a template, a frame or another part when it is opened",
        LOADS,
    ),
    FindingCode(
        "embedded_object",
        "office, mail",
        "reject",
        "it embeds an object that a program of its own opens",
        "the object is a program's data that nobody examined",
    ),
    FindingCode(
        "active_field",
        "office, mail, markup",
        "reject",
        "a field or a formula that fetches something or starts a program",
        ACTS,
    ),
    FindingCode("external_data", "office", "reject", "connections or queries that fetch data when it is opened", LOADS),
    FindingCode(
        "active_action",
        "office, text, pdf",
        "reject",
        "a click or a hover starts a program or a macro, or an action is of an unknown kind",
        ACTS,
    ),
    FindingCode("web_extension", "office", "reject", "it loads an add-in of a web site", LOADS),
    FindingCode(
        "active_formula",
        "text, office, markup, mail",
        "reject",
        "a cell that starts a program when a spreadsheet program opens it",
        ACTS,
    ),
)
