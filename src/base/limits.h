/* SPDX-License-Identifier: ISC */
/*
 * Hard maxima of the base floor. Settings may lower them, never lift them.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#define ERROR_TEXT_MAX 240           /* octets of an error's sentence, NUL included */
#define CODEC_FRAME_MAX (8u << 20)   /* one message between processes; larger things travel in pieces */
#define CODEC_DEPTH_MAX 8            /* structures inside structures */
#define XML_DOCUMENT_MAX (64u << 10) /* octets; documents of settings have 2 or 3 KiB */
#define XML_DEPTH_MAX 16u            /* the documents that are read here have 5 levels at most */
#define XML_ELEMENTS_MAX 2000u       /* of one document */
#define XML_ATTRIBUTES_MAX 32u       /* of one element */
#define CODEC_LIST_MAX (1u << 20)    /* elements of one list, unless the schema says fewer */

#endif
