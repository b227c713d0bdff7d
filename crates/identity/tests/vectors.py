#!/usr/bin/env python3
"""Prints the expected encodings that the codec tests hold, as pyasn1's DER encoder writes them.

Needs python3-pyasn1. Run it when a codec's syntax changes, and paste what it prints into the tests.
"""

from pyasn1.codec.der import encoder
from pyasn1.type import char, namedtype, namedval, tag, univ

ARC = "1.2.840.113556.1.8000.2554.35640.58748.51806.17224.48754.9136755.14129741"


class SecurityCategory(univ.Sequence):
    componentType = namedtype.NamedTypes(
        namedtype.NamedType(
            "type",
            univ.ObjectIdentifier().subtype(implicitTag=tag.Tag(tag.tagClassContext, tag.tagFormatSimple, 0)),
        ),
        namedtype.NamedType(
            "value",
            char.UTF8String().subtype(explicitTag=tag.Tag(tag.tagClassContext, tag.tagFormatConstructed, 1)),
        ),
    )


class Categories(univ.SetOf):
    componentType = SecurityCategory()


class Clearance(univ.Sequence):
    componentType = namedtype.NamedTypes(
        namedtype.NamedType("policyId", univ.ObjectIdentifier()),
        namedtype.DefaultedNamedType("classList", univ.BitString("01")),
        namedtype.OptionalNamedType("securityCategories", Categories()),
    )


class Clearances(univ.SetOf):
    componentType = Clearance()


class Attribute(univ.Sequence):
    componentType = namedtype.NamedTypes(
        namedtype.NamedType("type", univ.ObjectIdentifier()), namedtype.NamedType("values", Clearances())
    )


class Attributes(univ.SequenceOf):
    componentType = Attribute()


class NodeBinding(univ.Sequence):
    componentType = namedtype.NamedTypes(
        namedtype.NamedType("node", char.UTF8String()),
        namedtype.NamedType("epoch", univ.Integer()),
        namedtype.OptionalNamedType("instance", univ.OctetString()),
    )


class IssuerScope(univ.BitString):
    namedValues = namedval.NamedValues(("workload", 0), ("node", 1), ("operator", 2), ("control", 3))


def clearance(bit, names):
    value = Clearance()
    value["policyId"] = ARC + ".1"
    value["classList"] = univ.BitString("0" * bit + "1")
    for name in names:
        category = SecurityCategory()
        category["type"] = ARC + ".2"
        category["value"] = name
        value["securityCategories"].append(category)
    attribute = Attribute()
    attribute["type"] = "2.5.4.55"
    attribute["values"].append(value)
    attributes = Attributes()
    attributes.append(attribute)
    return attributes


def binding(node, epoch, instance):
    value = NodeBinding()
    value["node"] = node
    value["epoch"] = epoch
    if instance is not None:
        value["instance"] = instance
    return value


def show(name, value):
    print(name, encoder.encode(value).hex())


show("public", clearance(6, []))
show("confidential:eu,pci,a", clearance(8, ["eu", "pci", "a"]))
show("bit 63", clearance(63, ["x" * 63]))
show("n1/1 instance 0a..", binding("n1", 1, b"\x0a" * 16))
show("n1/1", binding("n1", 1, None))
show("ip-10-0-0-1.internal/4294967295 instance ff..", binding("ip-10-0-0-1.internal", 2**32 - 1, b"\xff" * 16))
show("issuing", IssuerScope("11"))
show("control", IssuerScope("0011"))
show("workload", IssuerScope("1"))
show("nothing", IssuerScope(""))
