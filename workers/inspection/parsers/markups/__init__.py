"""How texts that browsers run are looked into: by the rules of XML, and as leniently as HTML is read."""
