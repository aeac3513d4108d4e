/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/json.h"

static void
an_object_is_written(void **state)
{
	struct json_value *o = json_value_object(), *l = json_value_list();
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	json_value_set_str(o, "text", "a\"b\n");
	json_value_set_text(o, "broken", SLICE("a\xff"));
	json_value_set_i64(o, "number", -7);
	json_value_set_bool(o, "yes", true);
	json_value_set_null(o, "none");
	json_value_append_text(l, SLICE("x"));
	json_value_append(l, json_value_object());
	json_value_set(o, "list", l);
	assert_ok(json_value_write(o, false, &b, &unit_error));
	assert_slice(buf_slice(&b),
	    "{\"text\":\"a\\\"b\\n\",\"broken\":\"a\xef\xbf\xbd\",\"number\":-7,\"yes\":true,"
	    "\"none\":null,\"list\":[\"x\",{}]}");
	buf_done(&b);
	buf_init(&b, 20);
	assert_int_equal(json_value_write(o, true, &b, &unit_error), ERR_LIMIT);
	buf_done(&b);
	json_value_free(o);
}

static void
a_loss_is_not_silent(void **state)
{
	struct json_value *o = json_value_object(), *l = json_value_list();
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	json_value_append(l, NULL);
	json_value_set(o, "list", l);
	assert_int_equal(json_value_write(o, false, &b, &unit_error), ERR_NOMEM);
	json_value_free(o);
	o = json_value_object();
	json_value_set(o, "x", NULL);
	assert_int_equal(json_value_write(o, false, &b, &unit_error), ERR_NOMEM);
	assert_int_equal(json_value_write(NULL, false, &b, &unit_error), ERR_NOMEM);
	json_value_free(o);
	json_value_set_str(NULL, "x", "y");
	json_value_append_text(NULL, SLICE("x"));
	json_value_free(NULL);
	buf_done(&b);
}

static void
text_is_parsed(void **state)
{
	static const char *const bad[] = { "", "{", "{\"a\":1,\"a\":2}", "[1,]", "nul", "\"\xff\"", "[1] x" };
	struct json_value *v;
	struct slice s;
	int64_t n;
	bool yes;
	struct buf deep;

	(void)state;
	assert_ok(json_value_parse(SLICE("{\"a\":[1,\"t\\u0000t\",true]}"), &v, &unit_error));
	assert_true(json_value_is_object(v));
	assert_int_equal(json_value_count(json_value_get(v, "a")), 3);
	assert_true(json_value_get_i64(json_value_at(json_value_get(v, "a"), 0), &n) && n == 1);
	assert_true(json_value_get_text(json_value_at(json_value_get(v, "a"), 1), &s) && s.len == 3);
	assert_true(json_value_get_bool(json_value_at(json_value_get(v, "a"), 2), &yes) && yes);
	assert_false(json_value_get_text(json_value_at(json_value_get(v, "b"), 9), &s));
	json_value_free(v);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (json_value_parse(slice_str(bad[i]), &v, NULL) == 0)
			fail_msg("taken: %s", bad[i]);
	}
	buf_init(&deep, 1 << 20);
	for (int i = 0; i < 100000; i++)
		(void)buf_put_u8(&deep, '[');
	assert_int_equal(json_value_parse(buf_slice(&deep), &v, NULL), ERR_SYNTAX);
	buf_done(&deep);
}

UNIT_MAIN(UNIT_TEST(an_object_is_written), UNIT_TEST(a_loss_is_not_silent), UNIT_TEST(text_is_parsed))
