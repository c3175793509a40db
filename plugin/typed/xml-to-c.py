#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a C header with one string, contract_xml, of an XML file without its comments, which are most of it:
xml-to-c.py XML HEADER. ISO C has string literals of 4,095 characters at most, so the string is written as its bytes. A
GResource would do as well, at the price of a constructor that runs whenever the module is loaded."""
import sys
import xml.etree.ElementTree as ElementTree

contract = ElementTree.tostring(ElementTree.parse(sys.argv[1]).getroot(), encoding="us-ascii").decode()
lines = [line.strip() for line in contract.splitlines() if line.strip()]
with open(sys.argv[2], "w", encoding="utf-8") as header:
    header.write("static const char contract_xml[] = {\n")
    for line in lines:
        header.write("    " + " ".join(f"{ord(character)}," for character in line) + "\n")
    header.write("    0,\n};\n")
