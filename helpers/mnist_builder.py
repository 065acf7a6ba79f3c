"""MNIST as tensorflow-datasets keeps it on disk, written and read without TensorFlow.

Knows tensorflow-datasets, and importing this module imports it (0.7 s), so only do that when it is
used. Doesn't know where images come from. (tensorflow-datasets' own `mnist` needs TensorFlow to
unpack its download.) What is written can be read by anyone, without this course, as
`tfds.data_source("mnist_idx", split="train")`.
"""

import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from numpy.typing import NDArray

Images = Iterable[NDArray[np.uint8]]
Labels = Iterable[np.uint8]


# Left out of tfds' registry, which would refuse a second import of this module (importlib.reload).
with tfds.core.registered.skip_registration():

    class MnistIdx(tfds.core.GeneratorBasedBuilder):  # type: ignore[misc]  # tfds has no types
        """Digits from arrays in memory, in the arrays' order: `image` (28, 28) and `label` ()."""

        name = "mnist_idx"
        VERSION = tfds.core.Version("1.0.0")

        def __init__(self, arrays: Mapping[str, Iterable[Any]], **kwargs: Any) -> None:
            self._arrays = arrays
            super().__init__(**kwargs)

        def _info(self) -> Any:
            image = tfds.features.Tensor(shape=(28, 28), dtype=np.uint8, encoding="bytes")
            label = tfds.features.Tensor(shape=(), dtype=np.uint8)
            return tfds.core.DatasetInfo(
                builder=self,
                description="The MNIST database of handwritten digits.",
                homepage="http://yann.lecun.com/exdb/mnist/",
                license="CC BY-SA 3.0",
                features=tfds.features.FeaturesDict({"image": image, "label": label}),
                disable_shuffling=True,
            )

        def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
            arrays = self._arrays
            return {
                split: self._generate_examples(arrays[f"x_{split}"], arrays[f"t_{split}"])
                for split in ("train", "test")
            }

        def _generate_examples(
            self, images: Images, labels: Labels
        ) -> Iterator[tuple[int, dict[str, Any]]]:
            for i, (image, label) in enumerate(zip(images, labels, strict=True)):
                yield i, {"image": image, "label": label}


def write(arrays: Mapping[str, Iterable[Any]], data_dir: Path) -> None:
    """Write the data set into `data_dir`/mnist_idx/1.0.0: whole, or not at all.

    Args:
        arrays: `x_train`, `x_test` (N, 28, 28) and `t_train`, `t_test` (N,), all uint8.
        data_dir: tensorflow-datasets' folder.
    """
    tfds.disable_progress_bar()
    with TemporaryDirectory() as no_downloads, redirect_stdout(io.StringIO()):
        builder = MnistIdx(arrays, data_dir=data_dir, file_format="array_record")
        builder.download_and_prepare(download_dir=no_downloads)


def read(folder: Path) -> dict[str, NDArray[np.uint8]]:
    """Return the arrays that `write` was given, from the folder that it wrote.

    Raises:
        Exception: of many kinds, when the folder is incomplete or damaged.
    """
    builder = tfds.builder_from_directory(folder)
    arrays = {}
    for split in ("train", "test"):
        source = builder.as_data_source(split)
        examples = source.__getitems__(range(len(source)))
        arrays[f"x_{split}"] = np.stack([example["image"] for example in examples])
        arrays[f"t_{split}"] = np.array([example["label"] for example in examples], dtype=np.uint8)
    return arrays
