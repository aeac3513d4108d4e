/* SPDX-License-Identifier: ISC */
/* Files as the engine's sources and sinks: large blocks, progress on a terminal, an end when the person asks for it. */
#ifndef CLIENT_FILE_STREAM_H
#define CLIENT_FILE_STREAM_H

#include "openpgp/message/decrypt.h"
#include "openpgp/frame/packet.h"
#include "openpgp/frame/stream.h"
#include "os/file.h"
#include "os/terminal.h"

struct file_source {
	struct file_reader r;
	struct progress progress;
	uint8_t *block;
	uint64_t done;
};

/* label: for the progress, NULL shows none. "-" is standard input. file_source_done() also after an error. */
int file_source_open(struct file_source *s, const char *path, const char *label, struct error *e);
struct pgp_source file_source_source(struct file_source *s);
void file_source_done(struct file_source *s);
/* Its next piece is its first again. ERR_IO when it is no plain file. */
int file_source_again(struct file_source *s, struct error *e);
/* Octets when that is known, else UINT64_MAX. */
uint64_t file_source_size(const struct file_source *s);

/*
 * An output, with mode 0600 and without its name: file_finish() gives it that. force: it may replace a file or a link of
 * this name, never anything else (a device, a folder). ERR_EXISTS and what file_writer_open() says.
 */
int file_output_open(struct file_writer *w, const char *path, bool force, struct error *e);

/* w outlives the sink. */
struct pgp_sink file_sink(struct file_writer *w);
/* Plaintext goes into the file, which has no name yet: giving it one, or not, is the caller's. */
struct pgp_plain file_plain(struct file_writer *w);

/* Permission bits of a finished file: as any program makes it, or only this user's. */
enum file_mode { FILE_USUAL, FILE_PRIVATE };
/* Gives it these (it had 0600 so far) and its name. */
int file_finish(struct file_writer *w, enum file_mode mode, struct error *e);

/* ---- names ---- */

/* path + suffix; a folder's slashes at its end are left out. ERR_LIMIT, ERR_USAGE when it has no name of its own. */
int file_name_add(const char *path, const char *suffix, char out[FILE_PATH_MAX], struct error *e);
/* path without one of these suffixes (a NULL ends the list). False when it has none of them or would have no name. */
bool file_name_cut(const char *path, const char *const *suffixes, char out[FILE_PATH_MAX]);

/* ---- what a file is ---- */

enum file_kind {
	FILE_IS_OTHER,     /* no OpenPGP data */
	FILE_IS_ENCRYPTED, /* session key packets or an encrypted container */
	FILE_IS_SIGNED,    /* a message with its signature inside, or one that is packed */
	FILE_IS_SIGNATURE, /* signatures only */
	FILE_IS_CLEARTEXT, /* text in the cleartext framework */
	FILE_IS_CERT,      /* certificates or secret keys */
};

#define FILE_SHOWN_MAX 4u

struct file_look {
	enum file_kind kind;
	size_t recipients, passwords;     /* session key packets */
	bool ours;                        /* one of them may be for one of the certificates given */
	uint64_t key_ids[FILE_SHOWN_MAX]; /* of the first ones that name a key */
	size_t key_id_count;
};

struct pgp_certs;
/* Looks at the beginning of a plain file. What cannot be read further is what it is so far; file errors only. */
int file_look(const char *path, const struct pgp_certs *own, struct file_look *out, struct error *e);
/*
 * Whether the file ends before the packets do that begin in it. Only the frame is looked at, which anybody can see: what
 * decryption says of a message that was changed and of one that was cut is the same, so that nobody learns from it.
 */
bool file_is_cut(const char *path);
/* Standard input, a pipe or a device: it can be read once, so nobody looks into it first. */
bool file_is_stream(const char *path);

#endif
