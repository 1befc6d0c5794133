rule PHP_runs_what_a_request_says
{
    meta:
        description = "PHP that hands a part of the request to an interpreter, in a file of any type"
        reference = "https://owasp.org/www-community/vulnerabilities/Unrestricted_File_Upload"
        outcome = "infected"

    strings:
        $open = /<\?(php|=)/ nocase
        $run = /\b(eval|assert|system|exec|passthru|shell_exec|popen|proc_open)\s*\(\s*(@\s*)?((base64_decode|stripslashes|gzinflate|str_rot13|urldecode)\s*\(\s*){0,3}\$_(GET|POST|REQUEST|COOKIE|SERVER)\s*\[/ nocase

    condition:
        $open and $run
}
