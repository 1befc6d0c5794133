"""Messages: MIME (RFC 5322, 2045-2049, 2231) and Outlook's [MS-OXMSG], as mail programs read them."""
