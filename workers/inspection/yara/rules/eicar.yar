rule EICAR_test_file
{
    meta:
        description = "The test string that every scanner is expected to find, anywhere in a file"
        reference = "https://www.eicar.org/download-anti-malware-testfile/"
        outcome = "infected"

    strings:
        $string = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"

    condition:
        $string
}
