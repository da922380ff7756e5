"""The checkpoint of a release: what there is, what is wrong, what to type next. SPEC S31, S32."""
