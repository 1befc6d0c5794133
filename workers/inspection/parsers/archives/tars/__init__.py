"""Tar: POSIX ustar and pax, GNU, and the old format of V7.

https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html (ustar, pax) and
https://www.gnu.org/software/tar/manual/html_node/Standard.html (GNU).

How it works. GNU tar, bsdtar, 7-Zip, Python and busybox differ in which headers they honour and which types they know.
So every name that one of them uses is tested, and what one of them extracts is handed out: of each type that is not a
link, a folder or a description, the content is a file's, as Python takes it. Where two of them would find the next
header at different places, or a name that is no shorter form of the other, the archive is ambiguous.
"""
