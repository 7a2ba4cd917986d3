/* The PCI configuration ports, with one function behind them: the host bridge itself. */
#ifndef DEVICES_PCI_HOST_H
#define DEVICES_PCI_HOST_H

#include "base/device.h"

struct pci_host_state {
	uint32_t address; /* CONFIG_ADDRESS */
};

struct pci_host {
	struct device dev;
	struct pci_host_state s;
};

enum { PCI_HOST_WIN };
extern const struct device_class pci_host_class;

void pci_host_init(struct pci_host *p);

#endif
