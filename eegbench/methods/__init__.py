"""The methods and references by name; each is imported when it is asked for."""

METHODS = {
    "saliency_controlnet": "eegbench.methods.saliency_controlnet:SaliencyControlNet",
    "atm": "eegbench.methods.atm:Atm",
    "neuroimagen": "eegbench.methods.neuroimagen:NeuroImagen",
    "llm_caption": "eegbench.methods.llm_caption:LlmCaption",
    "nearest_train_image": "eegbench.methods.controls:NearestTrainImage",
    "random_train_image": "eegbench.methods.controls:RandomTrainImage",
    "mean_image": "eegbench.methods.controls:MeanImage",
    "prior_only": "eegbench.methods.controls:PriorOnly",
}
REFERENCES = {
    "vae_roundtrip": "eegbench.methods.references:VaeRoundtrip",
    "true_embedding": "eegbench.methods.references:TrueEmbedding",
}
