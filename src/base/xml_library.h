/* SPDX-License-Identifier: ISC */
/*
 * The functions of libexpat that base/xml.c calls, as a table: a program that
 * is linked with the library uses xml_linked, and one that rarely needs it
 * loads it when it does (os/xml_late.h).
 */
#ifndef BASE_XML_LIBRARY_H
#define BASE_XML_LIBRARY_H

#include <expat.h>

/* Without their "XML_". The formatter would indent each line further. */
/* clang-format off */
#define XML_LIBRARY_FUNCTIONS(F) \
	F(ErrorString) F(GetCurrentByteIndex) F(GetErrorCode) F(Parse) F(ParserCreate_MM) F(ParserFree) \
	F(SetCharacterDataHandler) F(SetElementHandler) F(SetHashSalt) F(SetStartDoctypeDeclHandler) \
	F(SetUserData) F(StopParser)
/* clang-format on */

struct xml_library {
#define XML_LIBRARY_FIELD(name) __typeof__(&XML_##name) name;
	XML_LIBRARY_FUNCTIONS(XML_LIBRARY_FIELD)
#undef XML_LIBRARY_FIELD
};

extern const struct xml_library xml_linked;

#endif
