/* SPDX-License-Identifier: ISC */
/* The standard streams as the engine's sources and sinks, in large blocks. */
#ifndef CLIENT_SOP_STREAM_H
#define CLIENT_SOP_STREAM_H

#include "openpgp/sig/cleartext.h"
#include "os/file.h"

struct sop_stdin;

/* 0 or a status, said. */
int sop_stdin_new(struct sop_stdin **out);
struct pgp_source sop_stdin_source(struct sop_stdin *s);
/*
 * The same, and it can be read again from its beginning: a plain file as it is; of what comes through a pipe, a text in
 * the cleartext framework is put aside on its way, since nothing else is read twice.
 */
struct pgp_reread sop_stdin_reread(struct sop_stdin *s);
void sop_stdin_free(struct sop_stdin *s);

/* w is the caller's memory and must outlive the sink. */
struct pgp_sink sop_stdout_sink(struct file_writer *w);

#endif
