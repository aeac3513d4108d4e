/* SPDX-License-Identifier: ISC */
#include "base/json.h"

#include <jansson.h>

#include "base/mem.h"
#include "base/utf8.h"

/* A json_value is jansson's own value under our name. */
union value {
	const struct json_value *ours_const;
	struct json_value *ours;
	json_t *theirs;
};

/* A member or element that could not be made: this name in an object marks the loss, json_value_write() finds it. */
static const char lost[] = "\x01lost";

static json_t *
theirs(const struct json_value *v)
{
	return (union value){ .ours_const = v }.theirs;
}

static struct json_value *
ours(json_t *v)
{
	return (union value){ .theirs = v }.ours;
}

struct json_value *
json_value_object(void)
{
	return ours(json_object());
}

struct json_value *
json_value_list(void)
{
	return ours(json_array());
}

struct json_value *
json_value_text(struct slice text)
{
	struct buf b;
	json_t *v;

	if (utf8_valid(text))
		return ours(json_stringn(text.len == 0 ? "" : (const char *)text.data, text.len));
	buf_init(&b, SIZE_MAX);
	(void)utf8_put_repaired(&b, text);
	v = b.err != 0 ? NULL : json_stringn((const char *)b.data, b.len);
	buf_done(&b);
	return ours(v);
}

/* A loss is kept as JSON null under a name, or an element, that no one sets. */
static void
set(struct json_value *object, const char *name, json_t *value)
{
	if (object == NULL)
		json_decref(value);
	else if (value == NULL || json_object_set_new(theirs(object), name, value) != 0)
		(void)json_object_set_new(theirs(object), lost, json_null());
}

void
json_value_set(struct json_value *object, const char *name, struct json_value *value)
{
	set(object, name, theirs(value));
}

void
json_value_set_text(struct json_value *object, const char *name, struct slice text)
{
	json_value_set(object, name, json_value_text(text));
}

void
json_value_set_str(struct json_value *object, const char *name, const char *text)
{
	json_value_set_text(object, name, slice_str(text));
}

void
json_value_set_i64(struct json_value *object, const char *name, int64_t number)
{
	set(object, name, json_integer(number));
}

void
json_value_set_bool(struct json_value *object, const char *name, bool yes)
{
	set(object, name, json_boolean(yes));
}

void
json_value_set_null(struct json_value *object, const char *name)
{
	set(object, name, json_null());
}

void
json_value_append(struct json_value *list, struct json_value *value)
{
	json_t *mark;

	if (list == NULL) {
		json_value_free(value);
		return;
	}
	if (value != NULL && json_array_append_new(theirs(list), theirs(value)) == 0)
		return;
	mark = json_object();
	set(ours(mark), lost, json_null());
	(void)json_array_append_new(theirs(list), mark);
}

void
json_value_append_text(struct json_value *list, struct slice text)
{
	json_value_append(list, json_value_text(text));
}

static bool
has_loss(const json_t *v)
{
	size_t i;
	json_t *child;
	const char *name;
	union {
		const json_t *in;
		json_t *out;
	} u = { v };

	if (json_is_object(v) && json_object_get(v, lost) != NULL)
		return true;
	json_object_foreach(u.out, name, child)
	{
		if (has_loss(child))
			return true;
	}
	json_array_foreach(v, i, child)
	{
		if (has_loss(child))
			return true;
	}
	return false;
}

static int
append(const char *text, size_t len, void *ctx)
{
	return buf_put(ctx, text, len) == 0 ? 0 : -1;
}

int
json_value_write(const struct json_value *v, bool pretty, struct buf *out, struct error *e)
{
	size_t flags = JSON_ENCODE_ANY | (pretty ? JSON_INDENT(2) : JSON_COMPACT);

	if (v == NULL || has_loss(theirs(v)))
		return error_nomem(e);
	if (json_dump_callback(theirs(v), append, out, flags) == 0 && out->err == 0)
		return 0;
	return error_set(e, out->err != 0 ? out->err : ERR_NOMEM, "the JSON text is larger than permitted here");
}

int
json_value_parse(struct slice in, struct json_value **out, struct error *e)
{
	json_error_t je;
	json_t *v;

	if (in.len > JSON_INPUT_MAX)
		return error_set(e, ERR_LIMIT, "a JSON text of %zu octets is longer than permitted", in.len);
	v = json_loadb(in.len == 0 ? "" : (const char *)in.data, in.len,
	    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &je);
	if (v == NULL) {
		if (json_error_code(&je) == json_error_out_of_memory)
			return error_nomem(e);
		return error_set_at(e, ERR_SYNTAX, je.position < 0 ? ERROR_NO_OFFSET : (uint64_t)je.position,
		    "this is not JSON: %s", je.text);
	}
	*out = ours(v);
	return 0;
}

void
json_value_free(struct json_value *v)
{
	json_decref(theirs(v));
}

bool
json_value_is_object(const struct json_value *v)
{
	return json_is_object(theirs(v));
}

bool
json_value_is_list(const struct json_value *v)
{
	return json_is_array(theirs(v));
}

const struct json_value *
json_value_get(const struct json_value *object, const char *name)
{
	return ours(json_object_get(theirs(object), name));
}

const struct json_value *
json_value_at(const struct json_value *list, size_t index)
{
	return ours(json_array_get(theirs(list), index));
}

size_t
json_value_count(const struct json_value *list)
{
	return json_array_size(theirs(list));
}

int
json_value_each(const struct json_value *object, json_value_each_fn *each, void *ctx)
{
	union {
		const json_t *in;
		json_t *out;
	} u = { theirs(object) };
	const char *name;
	json_t *child;
	int rc;

	json_object_foreach(u.out, name, child)
	{
		rc = each(ctx, slice_str(name), ours(child));
		if (rc != 0)
			return rc;
	}
	return 0;
}

bool
json_value_get_text(const struct json_value *v, struct slice *out)
{
	if (!json_is_string(theirs(v)))
		return false;
	*out = slice_of(json_string_value(theirs(v)), json_string_length(theirs(v)));
	return true;
}

bool
json_value_get_i64(const struct json_value *v, int64_t *out)
{
	if (!json_is_integer(theirs(v)))
		return false;
	*out = json_integer_value(theirs(v));
	return true;
}

bool
json_value_get_bool(const struct json_value *v, bool *out)
{
	if (!json_is_boolean(theirs(v)))
		return false;
	*out = json_is_true(theirs(v));
	return true;
}
