"""Orders of channels in published recordings. A network that was fitted on one order says nonsense in another."""

_RAW = (
    "Fp1 F3 F7 FT9 FC5 FC1 C3 T7 TP9 CP5 CP1 Pz P3 P7 O1 Oz O2 P4 P8 TP10 CP6 CP2 Cz C4 T8 FT10 FC6 FC2 F4 F8 Fp2 "
    "AF7 AF3 AFz F1 F5 FT7 FC3 FCz C1 C5 TP7 CP3 P1 P5 PO7 PO3 POz PO4 PO8 P6 P2 CPz CP4 TP8 C6 C2 FC4 FT8 F6 F2 "
    "AF4 AF8"
)
_NICE = (
    "Fp1 Fp2 AF7 AF3 AFz AF4 AF8 F7 F5 F3 F1 F2 F4 F6 F8 FT9 FT7 FC5 FC3 FC1 FCz FC2 FC4 FC6 FT8 FT10 "
    "T7 C5 C3 C1 Cz C2 C4 C6 T8 TP9 TP7 CP5 CP3 CP1 CPz CP2 CP4 CP6 TP8 TP10 "
    "P7 P5 P3 P1 Pz P2 P4 P6 P8 PO7 PO3 POz PO4 PO8 O1 Oz O2"
)

THINGS_RAW = tuple(_RAW.split())  # THINGS-EEG2's raw files (Gifford et al. 2022), Fz being the reference
THINGS_OCCIPITAL = tuple(name for name in THINGS_RAW if name[0] in "OP")  # what its authors' preprocessing keeps
THINGS_NICE = tuple(_NICE.split())  # NICE's preprocessing (eeyhsong/NICE-EEG), which ATM uses too
