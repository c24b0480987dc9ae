//! What a slide is good for, before anything else looks at it: here the tissue mask.
