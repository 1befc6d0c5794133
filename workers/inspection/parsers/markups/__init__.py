"""How markup is read: by the rules of XML, and as leniently as browsers may read HTML."""
