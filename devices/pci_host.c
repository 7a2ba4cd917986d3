/*
 * PCI configuration mechanism #1. Follows: PCI Local Bus Specification 2.1, 3.7.4.1 (ports CF8h and
 * CFCh) and 6.1 (the header).
 *
 * A bus with nothing on it but its host bridge. The machine's devices are all ISA; this one is
 * here because programs that list PCI (hdt of syslinux) follow a null pointer on a PC without any.
 *
 * NOT IMPLEMENTED: other functions, anything that can be written in the bridge's header.
 */
#include "devices/pci_host.h"

#define PCI_ADDRESS_ENABLE 0x80000000u
#define PCI_ADDRESS_KEPT 0x80fffffcu
#define PCI_FUNCTION(address) ((address) >> 8 & 0xffffu) /* bus, device, function */
#define PCI_REGISTER(address) ((address) & 0xfcu)

/* A header of type 0: vendor and device (a bridge that no driver takes for another), class 0600. */
static uint32_t header_word(uint32_t reg)
{
	switch (reg) {
	case 0x00: return 0x00081b36;
	case 0x08: return 0x06000000;
	default: return 0;
	}
}

/* Ports CF8-CFB are one doubleword register; to narrower accesses it is not there. */
static uint32_t pci_host_read(struct device *d, uint32_t offset, unsigned size)
{
	const struct pci_host_state *s = device_state(d);

	if (offset < 4)
		return offset == 0 && size == 4 ? s->address : 0xffffffff;
	if (!(s->address & PCI_ADDRESS_ENABLE) || PCI_FUNCTION(s->address))
		return 0xffffffff;
	return header_word(PCI_REGISTER(s->address)) >> (offset - 4) * 8;
}

static void pci_host_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct pci_host_state *s = device_state(d);

	if (offset == 0 && size == 4)
		s->address = val & PCI_ADDRESS_KEPT;
}

static void pci_host_reset(struct device *d)
{
	((struct pci_host *)d)->s.address = 0;
}

static bool pci_host_restored(struct device *d)
{
	return !(((struct pci_host *)d)->s.address & ~PCI_ADDRESS_KEPT);
}

static const struct field pci_host_fields[] = {
	FIELD(struct pci_host_state, address),
	FIELD_END,
};

static const struct io_window pci_host_windows[] = {
	[PCI_HOST_WIN] = { "pci", 8, 1, 4, pci_host_read, pci_host_write },
	{ .name = NULL },
};

const struct device_class pci_host_class = {
	.name = "pci",
	.version = 1,
	.state = pci_host_fields,
	.state_offset = offsetof(struct pci_host, s),
	.state_size = sizeof(struct pci_host_state),
	.windows = pci_host_windows,
	.reset = pci_host_reset,
	.restored = pci_host_restored,
};

void pci_host_init(struct pci_host *p)
{
	p->dev.cls = &pci_host_class;
	pci_host_reset(&p->dev);
}
