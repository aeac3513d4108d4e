/* SPDX-License-Identifier: ISC */
/*
 * JSON (RFC 8259) for programs' output and small settings, by jansson.
 *
 * Building: make an object or a list, set and append, write it. A failed step
 * (no memory) makes the whole NULL or is remembered, and json_value_write()
 * says so: no check is needed in between. Text that is no UTF-8 is repaired.
 *
 * Reading: bounded by the length of the input and jansson's depth of 2048;
 * names that occur twice are refused.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

#define JSON_INPUT_MAX (16u << 20) /* octets that are parsed at most */

struct json_value;

/* ---- building: NULL is permitted wherever a value goes in, and is kept as an error ---- */

struct json_value *json_value_object(void);
struct json_value *json_value_list(void);
struct json_value *json_value_text(struct slice text);
/* Values passed in become the object's or list's own, also on failure. */
void json_value_set(struct json_value *object, const char *name, struct json_value *value);
void json_value_set_text(struct json_value *object, const char *name, struct slice text);
void json_value_set_str(struct json_value *object, const char *name, const char *text);
void json_value_set_i64(struct json_value *object, const char *name, int64_t number);
void json_value_set_bool(struct json_value *object, const char *name, bool yes);
void json_value_set_null(struct json_value *object, const char *name);
void json_value_append(struct json_value *list, struct json_value *value);
void json_value_append_text(struct json_value *list, struct slice text);

/* Appends it, pretty over several lines or in one, without a line end; names in the order of setting. */
int json_value_write(const struct json_value *v, bool pretty, struct buf *out, struct error *e);

/* ---- reading ---- */

/* ERR_SYNTAX with the offset, ERR_LIMIT, ERR_NOMEM. Free *out with json_value_free(). */
int json_value_parse(struct slice in, struct json_value **out, struct error *e);
void json_value_free(struct json_value *v);

bool json_value_is_object(const struct json_value *v);
bool json_value_is_list(const struct json_value *v);
/* Borrowed; NULL when v is no object or has no such member. */
const struct json_value *json_value_get(const struct json_value *object, const char *name);
/* Borrowed; NULL when v is no list or shorter. */
const struct json_value *json_value_at(const struct json_value *list, size_t index);
size_t json_value_count(const struct json_value *list); /* 0 for what is no list */
/* Calls for each member in the order of the text, until one gives not 0, which is returned. Nothing for what is no object. */
typedef int json_value_each_fn(void *ctx, struct slice name, const struct json_value *value);
int json_value_each(const struct json_value *object, json_value_each_fn *each, void *ctx);
/* False, and nothing set, when the value is NULL or of another type. Text is borrowed from the value. */
bool json_value_get_text(const struct json_value *v, struct slice *out);
bool json_value_get_i64(const struct json_value *v, int64_t *out);
bool json_value_get_bool(const struct json_value *v, bool *out);

#endif
