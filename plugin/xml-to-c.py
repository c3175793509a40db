#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a C header with one string, contract_xml, of an XML file: xml-to-c.py XML HEADER. A GResource would do as
well, at the price of a constructor that runs whenever the module is loaded."""
import sys

with open(sys.argv[1], encoding="utf-8") as xml, open(sys.argv[2], "w", encoding="utf-8") as header:
    header.write("static const char contract_xml[] =\n")
    for line in xml:
        escaped = line.rstrip("\n").replace("\\", "\\\\").replace('"', '\\"')
        header.write(f'    "{escaped}\\n"\n')
    header.write("    ;\n")
