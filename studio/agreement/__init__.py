"""How far annotators agree about an image, and how their masks become one."""
