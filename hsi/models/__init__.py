"""The networks, one family a file; `conf/model/` names them."""
