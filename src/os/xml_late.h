/* SPDX-License-Identifier: ISC */
/* libexpat, loaded when the first document is read: for programs that seldom read one (os/late.h). */
#ifndef OS_XML_LATE_H
#define OS_XML_LATE_H

#include "base/error.h"
#include "base/xml.h"

/* For xml_read_by(); the same for all threads. NULL with ERR_IO when libexpat is not there. */
const struct xml_library *xml_late(struct error *e);

#endif
