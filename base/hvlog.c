/*
 * Names of the hypervisor's causes and verdicts, as they appear in JSON, logs and the monitor; and the
 * way of the records out of the ring.
 */
#include "base/hvlog.h"

const char *const hv_cause_names[HV_CAUSES] = {
	[HV_EXCEPTION] = "exception",
	[HV_HW_INTERRUPT] = "hw_interrupt",
	[HV_SW_INTERRUPT] = "sw_interrupt",
	[HV_PRIVILEGED] = "privileged",
	[HV_PORT_IO] = "port_io",
	[HV_MMIO] = "mmio",
	[HV_SHADOW_FAULT] = "shadow_fault",
	[HV_TABLE_WRITE] = "table_write",
	[HV_INVLPG] = "invlpg",
	[HV_CR_WRITE] = "cr_write",
	[HV_HLT] = "hlt",
	[HV_WORLD_SWITCH] = "world_switch",
	[HV_DEMAND_PAGE] = "demand_page",
	[HV_SWAP] = "swap",
	[HV_SHARE_BREAK] = "share_break",
	[HV_NESTED_FAULT] = "nested_fault",
	[HV_SENSITIVE] = "sensitive",
};

const char *const hv_verdict_names[HV_VERDICTS] = {
	[HV_REFLECTED] = "reflected",
	[HV_EMULATED] = "emulated",
	[HV_INJECTED] = "injected",
	[HV_FILLED] = "filled",
	[HV_RESYNCED] = "resynced",
	[HV_ZAPPED] = "zapped",
	[HV_SWAPPED] = "swapped",
	[HV_COPIED] = "copied",
	[HV_DENIED] = "denied",
};

void hv_drain(struct hv_log *l)
{
	while (l->drain && l->drained < l->head) {
		unsigned at = (unsigned)(l->drained % HV_RING);
		uint64_t n = l->head - l->drained;

		if (n > HV_RING - at)
			n = HV_RING - at; /* up to the ring's end; the rest in the next turn */
		l->drained += n;
		l->drain(l->drain_opaque, &l->ring[at], (unsigned)n);
	}
}

void hv_set_drain(struct hv_log *l, void (*drain)(void *opaque, const struct hv_record *r, unsigned n),
		  void *opaque)
{
	hv_drain(l);
	if (!l->drain)
		l->drained = l->head <= HV_RING ? 0 : l->head;
	l->drain = drain;
	l->drain_opaque = opaque;
	if (drain)
		hv_drain(l); /* so that never more than half a ring waits */
}
