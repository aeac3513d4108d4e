/* SPDX-License-Identifier: ISC */
/*
 * Hard maxima of the base floor. Settings may lower them, never lift them.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#define ERROR_TEXT_MAX 240         /* octets of an error's sentence, NUL included */
#define CODEC_FRAME_MAX (8u << 20) /* one message between processes; larger things travel in pieces */
#define CODEC_DEPTH_MAX 8          /* structures inside structures */
#define CODEC_LIST_MAX (1u << 20)  /* elements of one list, unless the schema says fewer */

#endif
