"""The networks, one family a file; `conf/model/` names them, ``python -m hsi.models`` lists them.

Every family has

* a builder for windows, ``name(in_channels, num_classes, patch_size=..., attention=None, attention_position="last",
  knobs)``, which returns a `hsi.engine.contract.WindowClassifier`. Defaults are the paper's constants, the default of
  `patch_size` the window we recommend; what suits a scene (a narrower `width`, say) stands in the YAML. The types of
  its parameters say what is allowed (`hsi.config.values`); `hsi.models.building.build_model` checks and calls it;
* where it was made for other images, ``original(num_classes=..., knobs)``: the published network at its
  published input, of the same blocks, an ordinary `torch.nn.Module`. Its parameter count is tested, so that what is
  scaled to windows is the network of that name;
* a header with the paper, the table followed, and each deviation that windows of 9 to 27 pixels ask for.

The first line of its YAML reads ``# Name (Authors year): what it is.``
"""
