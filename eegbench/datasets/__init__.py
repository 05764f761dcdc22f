"""The data sets that eegbench brings along: name to `module:class`. Others come by entry point `eegbench.datasets`."""

DATASETS: dict[str, str] = {
    "sim-things": "eegbench.datasets.sim_things:SimThings",
    "things-eeg2": "eegbench.datasets.things_eeg2:ThingsEEG2",
    "eegcvpr": "eegbench.datasets.eegcvpr:EegCvpr",
}
