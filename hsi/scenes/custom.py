"""A scene from the user's own files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hsi.scene import Scene
from hsi.scenes.assemble import assemble
from hsi.scenes.formats import EnviHeader, read_array, read_envi_header
from hsi.scenes.published import _checksums


def load_custom(
    name: str,
    cube: str | Path,
    labels: str | Path | None,
    cube_key: str | None = None,
    labels_key: str | None = None,
    classes: Sequence[str] | Mapping[str, str] | None = None,
    rgb_bands: Sequence[int] | None = None,
    ignored_labels: Sequence[int] = (),
    invalid: str = "error",
    wavelengths: Sequence[float] | None = None,
) -> Scene:
    """Load a scene from the user's own files: .mat, .npy or ENVI .hdr.

    Parameters
    ----------
    name
        for titles and reports.
    cube
        file with the cube (rows, cols, bands); relative paths count from the current directory.
    labels
        file with the label image (rows, cols), or None for a scene that is only mapped.
    cube_key
        array name in a .mat file; None takes the only one with 3 dimensions.
    labels_key
        likewise for the labels, with 2 dimensions.
    classes
        names, or name -> colour, in ascending order of the label values; None gives 'class <value>'.
    rgb_bands
        see `Scene`; None takes those of an ENVI header, if any.
    ignored_labels
        label values to treat as unlabelled, beside 0.
    invalid
        what to do with NaN and infinite values, see `hsi.scenes.valid`.
    wavelengths
        of the bands in nm; None takes those of an ENVI header, if any.

    Raises HsiError: any fault in the files or in what was said about them.
    """
    cube_path = Path(cube).expanduser()
    array = read_array(cube_path, cube_key, ndim=3)
    is_envi = cube_path.suffix.lower() == ".hdr"
    header = read_envi_header(cube_path) if is_envi else EnviHeader(None, None, None)
    paths = [cube_path]
    label_image = None
    if labels is not None:
        paths.append(Path(labels).expanduser())
        label_image = read_array(paths[-1], labels_key, ndim=2)
    return assemble(
        name,
        array,
        label_image,
        classes=classes,
        rgb_bands=header.rgb_bands if rgb_bands is None else rgb_bands,
        ignored_labels=ignored_labels,
        invalid=invalid,
        wavelengths=header.wavelengths if wavelengths is None else wavelengths,
        georeference=header.georeference,
        checksums=_checksums(paths),
    )
