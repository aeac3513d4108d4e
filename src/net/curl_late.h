/* SPDX-License-Identifier: ISC */
/*
 * libcurl, loaded when the first fetch wants it (os/late.h says why): most runs
 * of the program fetch nothing.
 *
 * A process that gives up the file system calls curl_late() before it does.
 */
#ifndef NET_CURL_LATE_H
#define NET_CURL_LATE_H

#define CURL_DISABLE_TYPECHECK /* its macros name the functions that are not linked */
#include <curl/curl.h>

#include "base/error.h"

struct curl_late {
	CURL *(*easy_init)(void);
	CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
	CURLcode (*easy_perform)(CURL *);
	CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
	const char *(*easy_strerror)(CURLcode);
	void (*easy_cleanup)(CURL *);
	struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
	void (*slist_free_all)(struct curl_slist *);
};

/* The functions, the same for all threads; NULL with ERR_NET when libcurl is not there. */
const struct curl_late *curl_late(struct error *e);

#endif
