"""Scripts that run inside other programs; never imported here, only handed out (``maquette plugins``)."""
