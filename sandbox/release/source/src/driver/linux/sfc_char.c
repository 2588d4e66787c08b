// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/* Stands in for the driver of /dev/sfc_char; the device can be opened and does nothing. */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include "onload_demo.h"

static const struct file_operations operations = {
	.owner = THIS_MODULE,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "sfc_char",
	.fops = &operations,
};

bool sfc_char_ready(void)
{
	return device.this_device != NULL;
}
EXPORT_SYMBOL_GPL(sfc_char_ready);

static int __init sfc_char_init(void)
{
	int error = misc_register(&device);

	if (!error)
		sfc_resource_take();
	return error;
}

static void __exit sfc_char_exit(void)
{
	sfc_resource_give();
	misc_deregister(&device);
}

module_init(sfc_char_init);
module_exit(sfc_char_exit);
MODULE_DESCRIPTION("onload-kmm demonstration in place of OpenOnload's character device");
MODULE_LICENSE("GPL");
