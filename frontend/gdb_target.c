/* The target description for gdb, out of the table of registers. "Debugging with GDB", appendix G. */
#include <stdlib.h>

#include "frontend/gdb.h"
#include "machine/debug.h"

static void put_register(FILE *f, unsigned n)
{
	static const char *const types[] = {
		[DEBUG_INT] = "int32", [DEBUG_CODE] = "code_ptr", [DEBUG_DATA] = "data_ptr", [DEBUG_FLAGS] = "i386_eflags",
		[DEBUG_X87] = "i387_ext", [DEBUG_XMM] = "vec128",
	};
	const struct debug_register *r = &debug_registers[n];

	fprintf(f, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\"%s/>\n", r->name, r->bytes * 8u,
		r->bytes == 8 ? "int64" : types[r->kind], n,
		n >= DEBUG_CORE + 8 && n < DEBUG_FPU ? " group=\"float\"" : n >= DEBUG_SSE ? " group=\"system\"" : "");
}

static void put_feature(FILE *f, const char *name, const char *types, unsigned from, unsigned to)
{
	fprintf(f, "<feature name=\"%s\">\n%s", name, types);
	for (unsigned n = from; n < to; n++)
		put_register(f, n);
	fprintf(f, "</feature>\n");
}

/* Names and bits of the flags: SDM vol 1 figure 3-8. */
static const char flags_type[] =
	"<flags id=\"i386_eflags\" size=\"4\">"
	"<field name=\"CF\" start=\"0\" end=\"0\"/><field name=\"\" start=\"1\" end=\"1\"/>"
	"<field name=\"PF\" start=\"2\" end=\"2\"/><field name=\"AF\" start=\"4\" end=\"4\"/>"
	"<field name=\"ZF\" start=\"6\" end=\"6\"/><field name=\"SF\" start=\"7\" end=\"7\"/>"
	"<field name=\"TF\" start=\"8\" end=\"8\"/><field name=\"IF\" start=\"9\" end=\"9\"/>"
	"<field name=\"DF\" start=\"10\" end=\"10\"/><field name=\"OF\" start=\"11\" end=\"11\"/>"
	"<field name=\"NT\" start=\"14\" end=\"14\"/><field name=\"RF\" start=\"16\" end=\"16\"/>"
	"<field name=\"VM\" start=\"17\" end=\"17\"/><field name=\"AC\" start=\"18\" end=\"18\"/>"
	"<field name=\"VIF\" start=\"19\" end=\"19\"/><field name=\"VIP\" start=\"20\" end=\"20\"/>"
	"<field name=\"ID\" start=\"21\" end=\"21\"/></flags>\n";

static const char vector_types[] =
	"<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/><vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
	"<vector id=\"v16i8\" type=\"int8\" count=\"16\"/><vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
	"<vector id=\"v4i32\" type=\"int32\" count=\"4\"/><vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
	"<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/><field name=\"v2_double\" type=\"v2d\"/>"
	"<field name=\"v16_int8\" type=\"v16i8\"/><field name=\"v8_int16\" type=\"v8i16\"/>"
	"<field name=\"v4_int32\" type=\"v4i32\"/><field name=\"v2_int64\" type=\"v2i64\"/>"
	"<field name=\"uint128\" type=\"uint128\"/></union>\n";

char *gdb_target_xml(void)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	fprintf(f, "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
		   "<target version=\"1.0\">\n");
	put_feature(f, "org.gnu.gdb.i386.core", flags_type, 0, DEBUG_FPU);
	put_feature(f, "org.gnu.gdb.i386.sse", vector_types, DEBUG_FPU, DEBUG_SSE);
	put_feature(f, "org.umbra86.system", "", DEBUG_SSE, DEBUG_REGISTERS);
	fprintf(f, "</target>\n");
	if (!fclose(f))
		return text;
	free(text);
	return NULL;
}
